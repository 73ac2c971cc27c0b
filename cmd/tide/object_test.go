package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/object"
)

// goldenSpec describes the golden object of docs/FORMAT.md.
func goldenSpec(t *testing.T) string {
	var out bytes.Buffer
	line := func(stream, epoch, base, count, size, seed int) {
		p := make([]byte, size)
		for i := range p {
			p[i] = byte(31*i + seed)
		}
		fmt.Fprintf(&out, `{"stream":%d,"epoch":%d,"base":%d,"count":%d,"payload":"%s"}`+"\n", stream, epoch, base, count, base64.StdEncoding.EncodeToString(p))
	}
	base := 10
	for i := range 5 {
		line(233, 3, base, 2+i, 400+i, i)
		base += 2 + i
	}
	for i := range 3 {
		line(234, 1, i, 1, 100, 50+i)
	}
	file := filepath.Join(t.TempDir(), "golden.jsonl")
	require.NoError(t, os.WriteFile(file, out.Bytes(), 0o600))
	return file
}

const goldenSum = "403365f77023aabd3583e08413a250dc3f5845bde9dd4a98520b882d8a57031a"

const goldenEntries = `{"size":2760,"index_position":2604,"entries":[` +
	`{"stream":233,"start":10,"end":19,"batches":3,"position":0,"size":1312},` +
	`{"stream":233,"start":19,"end":30,"batches":2,"position":1312,"size":883},` +
	`{"stream":234,"start":0,"end":3,"batches":3,"position":2195,"size":409}],"batches":[` +
	`{"stream":233,"epoch":3,"base":10,"count":2,"payload_len":400,"payload_sha256":"`

// TestGoldenObject goes through the command line, byte for byte.
func TestGoldenObject(t *testing.T) {
	store := t.TempDir()
	file := filepath.Join(store, filepath.FromSlash(object.Key("DEFAULT", 7)))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	code, out, errs := invoke("object", "write", "--spec", goldenSpec(t), "--block-size", "1024", file)
	require.Equal(t, exitDone, code, errs)
	require.Equal(t, "2760 bytes, index at 2604, 3 entries, 8 batches\nsha256 "+goldenSum+"\n", out)
	all, err := os.ReadFile(file)
	require.NoError(t, err)
	sum := sha256.Sum256(all)
	require.Equal(t, goldenSum, hex.EncodeToString(sum[:]))
	left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".object-*"))
	require.NoError(t, err)
	require.Empty(t, left)

	code, out, errs = invoke("object", "dump", file, "--json")
	require.Equal(t, exitDone, code, errs)
	require.Contains(t, out, goldenEntries)
	var d struct {
		Batches []struct {
			Base   int64
			Length int    `json:"payload_len"`
			Sum    string `json:"payload_sha256"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &d))
	require.Len(t, d.Batches, 8)
	require.Equal(t, 404, d.Batches[4].Length)
	payload := sha256.Sum256(all[2195+10+33 : 2195+10+33+100])
	require.Equal(t, hex.EncodeToString(payload[:]), d.Batches[5].Sum)

	for _, name := range []string{"7", "70000000/DEFAULT/7"} {
		code, same, errs := invoke("object", "dump", name, "--store", "dir:"+store)
		require.Equal(t, exitDone, code, errs)
		require.Equal(t, out, same)
	}
	code, out, _ = invoke("object", "verify", file)
	require.Equal(t, exitDone, code)
	require.Equal(t, "size       2760 bytes\nindex      at 2604, 3 entries, 2 streams\nbatches    8, 23 records, 2310 bytes of payload\n"+
		"unchecked  8 payloads that are no Kafka record batches, and so have no checksum\n", out)

	all[1312+10] = 0x23
	require.NoError(t, os.WriteFile(file, all, 0o600))
	for _, verb := range []string{"dump", "verify"} {
		code, out, errs = invoke("object", verb, file)
		require.Equal(t, exitFailed, code)
		require.Contains(t, out+errs, "corrupt object: object 7, position 1322: want batch magic 0x22, found 0x23")
		require.Contains(t, errs, "the object is damaged")
	}
	code, out, _ = invoke("object", "verify", "--json", file)
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, `"damaged":1`)
}

func TestObjectUsage(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.jsonl")
	require.NoError(t, os.WriteFile(bad, []byte(`{"stream":1,"epoch":1,"base":0,"count":0,"payload":""}`), 0o600))
	out := filepath.Join(dir, "out")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"object", "write", out}, exitUsage, "--spec"},
		{[]string{"object", "write", "--spec", bad}, exitUsage, "<out>"},
		{[]string{"object", "write", "--spec", bad, "--block-size=-1", out}, exitUsage, "block-size"},
		{[]string{"object", "write", "--spec", bad, "--block-size", "0", out}, exitUsage, "want 1 to 1GiB"},
		{[]string{"object", "write", "--spec", bad, out}, exitFailed, "bad.jsonl line 1"},
		{[]string{"object", "write", "--spec", filepath.Join(dir, "none"), out}, exitFailed, "no such file"},
		{[]string{"object", "dump"}, exitUsage, "<file>"},
		{[]string{"object", "dump", filepath.Join(dir, "none")}, exitFailed, "no such file"},
		{[]string{"object", "dump", "7", "--store", "s3://bucket/x"}, exitUsage, "want dir:PATH"},
		{[]string{"object", "dump", "../7", "--store", "dir:" + dir}, exitUsage, "bad object key"},
		{[]string{"object", "verify", dir}, exitFailed, "want a file"},
		{[]string{"object", "verify", bad}, exitFailed, "damaged"},
	} {
		code, _, errs := invoke(c.args...)
		require.Equal(t, c.code, code, "%v: %s", c.args, errs)
		require.Contains(t, errs, c.want, "%v", c.args)
	}
	require.NoFileExists(t, out)
}

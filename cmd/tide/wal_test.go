package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/wal"
	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/pwrite"
)

// brokerWAL writes a log as a broker does, and ends as one that was killed: no
// clean close. running is called before that.
func brokerWAL(t *testing.T, file string, batches int, running func()) {
	t.Helper()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	p, err := pwrite.Open(pwrite.Config{OpenOptions: iopath.OpenOptions{
		File: file, Capacity: 1 << 20, ArenaSize: 1 << 20, Create: true, Logger: quiet,
	}})
	require.NoError(t, err)
	log, err := wal.Open(wal.Config{Path: p, NodeID: 7, Clock: func() int64 { return 1000 }, Logger: quiet})
	require.NoError(t, err)
	require.NoError(t, log.Reset(context.Background(), 99))
	for i := range batches {
		b := object.RecordBatch{StreamID: 233, Epoch: 3, BaseOffset: int64(i), Count: 1, Payload: bytes.Repeat([]byte("x"), 100+i)}
		s, err := log.Reserve(b.EncodedSize())
		require.NoError(t, err)
		s.Fill(nil, object.AppendBatch(nil, b))
		log.Commit()
	}
	running()
	require.NoError(t, log.Close(context.Background(), false))
	require.NoError(t, p.Close())
}

const dumped = `{"header":{"capacity":1048576,"trim_offset":1048575,"version":1000,"window_max":520192,"clean":false,"node_id":7,"node_epoch":99}}
{"offset":1048576,"stream":233,"epoch":3,"base":0,"count":1,"payload_len":100,"ok":true}
{"offset":1052672,"stream":233,"epoch":3,"base":1,"count":1,"payload_len":101,"ok":true}
`

const verified = `header     node 7, epoch 99, version 1000, not closed clean
capacity   1MiB, window 508KiB, trimmed to 1048575
records    2, 267 bytes, in [1048576, 1056768)
dropped    0 (in flight when the log ended, never acknowledged)
`

// A killed broker's WAL, and a running one's, which has it locked.
func TestWALOfABroker(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wal")
	look := func() {
		code, out, _ := invoke("wal", "dump", file, "--json")
		require.Equal(t, exitDone, code)
		require.Equal(t, dumped, out)
		code, out, _ = invoke("wal", "verify", file)
		require.Equal(t, exitDone, code)
		require.Equal(t, verified, out)
	}
	brokerWAL(t, file, 2, look)
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	look()
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.True(t, bytes.Equal(before, after), "reads only")
}

// With a window of half the ring nothing behind a hole proves loss, but a
// record that is no batch does, and so do headers that were there.
func TestWALDamage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wal")
	brokerWAL(t, file, 3, func() {})
	image, err := os.ReadFile(file)
	require.NoError(t, err)
	for slot := range 2 {
		copy(image[slot*4096:], "not a header")
	}
	require.NoError(t, os.WriteFile(file, image, 0o600))
	code, out, errs := invoke("wal", "verify", file)
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, "header     none\n")
	require.Contains(t, out, "damage     offsets [0, 0): both headers are unreadable\n")
	require.Contains(t, errs, "damaged")
	code, out, errs = invoke("wal", "dump", file)
	require.Equal(t, exitFailed, code)
	require.Equal(t, "{\"header\":null}\n", out)
	require.Contains(t, errs, "both headers")
	code, out, _ = invoke("wal", "verify", file, "--json")
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, `"damage":["offsets`)
}

// An AutoMQ log has stale bytes in the slack of its blocks.
func TestWALLenient(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wal")
	brokerWAL(t, file, 2, func() {})
	image, err := os.ReadFile(file)
	require.NoError(t, err)
	const first = 8192 + 1048576%(1<<20-8192) // position of the first record, of 57 + 100 bytes
	copy(image[first+160:], "stale")
	require.NoError(t, os.WriteFile(file, image, 0o600))
	code, out, _ := invoke("wal", "dump", file)
	require.Equal(t, exitDone, code)
	require.Len(t, strings.Split(strings.TrimSpace(out), "\n"), 2, "the log ends at the stale bytes")
	code, out, _ = invoke("wal", "dump", file, "--lenient")
	require.Equal(t, exitDone, code)
	require.Equal(t, dumped, out)
}

func TestWALUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"wal", "bench"}, exitUsage, "--wal"},
		{[]string{"wal", "bench", "--wal", "nvme:x"}, exitUsage, "scheme"},
		{[]string{"wal", "bench", "--wal", "mem:?capacity=1MiB", "--appenders=-1"}, exitUsage, "appenders: -1"},
		{[]string{"wal", "bench", "--wal", "mem:?capacity=1MiB", "--rate", "5"}, exitUsage, "rate"},
		{[]string{"wal", "dump"}, exitUsage, "<path>"},
		{[]string{"wal", "dump", filepath.Join(t.TempDir(), "none")}, exitFailed, "no such file"},
		{[]string{"wal", "verify", t.TempDir()}, exitFailed, "directory"},
	} {
		code, out, errs := invoke(c.args...)
		require.Equal(t, c.code, code, "%v: %s", c.args, errs)
		require.Empty(t, out)
		require.Contains(t, errs, c.want)
	}
}

func TestWALBench(t *testing.T) {
	code, out, errs := invoke("wal", "bench", "--wal", "mem:?capacity=4MiB", "--duration", "50ms", "--json")
	require.Equal(t, exitDone, code, errs)
	var r map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.Positive(t, r["appends_per_s"])
	require.Equal(t, "none", r["durability"])
	code, out, errs = invoke("wal", "bench", "--wal", "mem:?capacity=4MiB", "--duration", "50ms", "--rate", "1000000000/s", "--appenders", "2")
	require.Equal(t, exitInvalid, code)
	require.Contains(t, out, "open loop, 2 appenders")
	require.Contains(t, errs, "lower --rate")
}

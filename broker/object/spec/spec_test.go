package spec_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/object/spec"
)

const good = `{"stream":1,"epoch":2,"base":10,"count":2,"payload":"AAEC"}` + "\n"

func TestRead(t *testing.T) {
	var got []object.RecordBatch
	in := good + "\n  \n" + `{"payload":"","count":1,"base":12,"epoch":-1,"stream":1}`
	require.NoError(t, spec.Read(strings.NewReader(in), "s", func(line int, b object.RecordBatch) error {
		require.Equal(t, []int{1, 4}[len(got)], line)
		got = append(got, b)
		return nil
	}))
	require.Equal(t, []object.RecordBatch{
		{StreamID: 1, Epoch: 2, BaseOffset: 10, Count: 2, Payload: []byte{0, 1, 2}},
		{StreamID: 1, Epoch: -1, BaseOffset: 12, Count: 1, Payload: []byte{}},
	}, got)
}

func TestRefused(t *testing.T) {
	line := func(stream, epoch, base, count, payload string) string {
		return fmt.Sprintf(`{"stream":%s,"epoch":%s,"base":%s,"count":%s,"payload":%s}`, stream, epoch, base, count, payload)
	}
	for in, want := range map[string]string{
		line("1", "1", "0", "0", `""`):                   "count 0: want 1 or more",
		line("1", "1", "0", "-3", `""`):                  "count -3",
		line("1", "1", "0", "2147483648", `""`):          "count: ",
		line("1", "1", "-1", "1", `""`):                  "base -1",
		line("1", "1", "9223372036854775807", "1", `""`): "base 9223372036854775807",
		line("1.5", "1", "0", "1", `""`):                 "stream: ",
		line("null", "1", "0", "1", `""`):                "stream: want an integer, found null",
		line("1", "1", "0", "1", `null`):                 "payload: want a string, found null",
		line("1", "1", "0", "1", `"A"`):                  "payload: illegal base64",
		line("1", "1", "0", "1", `"AAEC\n"`):             "line break",
		line("1", "1", "0", "1", `"AAF="`):               "payload: illegal base64", // bits behind the end
		line("1", "1", "0", "1", `"AA"`):                 "payload: illegal base64", // no padding
		line("1", "1", "0", "1", `"A-_="`):               "payload: illegal base64", // the alphabet of URLs
		`{"stream":1,"epoch":1,"base":0,"count":1}`:      "key payload is missing",
		line("1", "1", "0", "1", `"","extra":1`):         `unknown key "extra"`,
		line("1", "1", "0", "1", `"","Count":1`):         `unknown key "Count"`,
		line("1", "1", "0", "1", `"","count":1`):         "key count stands there twice",
		`[1]`:                                            "want a JSON object",
		`{`:                                              "EOF",
		strings.TrimSpace(good) + `{}`:                   "behind the JSON object",
		`nonsense`:                                       "want a JSON object",
	} {
		_, err := spec.Layout(strings.NewReader(good+in), "F.jsonl", 1024)
		require.ErrorIs(t, err, spec.ErrSpec, in)
		require.ErrorContains(t, err, "F.jsonl line 2", in)
		require.ErrorContains(t, err, want, in)
	}
	for in, want := range map[string]error{
		good + good: object.ErrOrder,
		good + strings.Replace(good, `"stream":1`, `"stream":0`, 1): object.ErrOrder,
		good + strings.Replace(good, `"base":10`, `"base":11`, 1):   object.ErrOrder,
		"": object.ErrEmpty,
	} {
		_, err := spec.Layout(strings.NewReader(in), "F.jsonl", 1024)
		require.ErrorIs(t, err, want, in)
		require.ErrorContains(t, err, "F.jsonl")
	}
	_, err := spec.Layout(strings.NewReader(strings.Repeat(" ", 129<<20)), "F.jsonl", 1024)
	require.ErrorContains(t, err, "line 1: "+spec.ErrSpec.Error()+": longer than")
}

// FuzzRead: whatever is read describes exactly the batches that it says, and
// makes an object or a clear error.
func FuzzRead(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(good + strings.Replace(good, `"base":10`, `"base":12`, 1)))
	f.Add([]byte(`{"stream":1,"stream":2}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var again bytes.Buffer
		var batches []object.RecordBatch
		if spec.Read(bytes.NewReader(in), "f", func(_ int, b object.RecordBatch) error {
			batches = append(batches, b)
			fmt.Fprintf(&again, `{"stream":%d,"epoch":%d,"base":%d,"count":%d,"payload":%q}`+"\n",
				b.StreamID, b.Epoch, b.BaseOffset, b.Count, base64.StdEncoding.EncodeToString(b.Payload))
			return nil
		}) != nil {
			return
		}
		i := 0
		require.NoError(t, spec.Read(&again, "again", func(_ int, b object.RecordBatch) error {
			require.Equal(t, batches[i], b)
			i++
			return nil
		}))
		require.Len(t, batches, i)
		_, _ = spec.Layout(bytes.NewReader(in), "f", 64) // must not panic
	})
}

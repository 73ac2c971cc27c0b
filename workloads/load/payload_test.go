package load

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// made is the value of a record with that sequence.
func made(p *payloads, sequence int64) []byte {
	v, s := make([]byte, p.size), Stamp{Sequence: sequence}
	s.write(v, p.of(s))
	return v
}

func TestPayloadsDiffer(t *testing.T) {
	p := newPayloads(Payload{}, 1, 128)
	a, b := made(p, 1), made(p, 2)
	require.NotEqual(t, a[HeaderSize:], b[HeaderSize:])
	s, err := ReadStamp(a)
	require.NoError(t, err)
	require.Equal(t, int64(1), s.Sequence)
	require.Equal(t, a, made(newPayloads(Payload{}, 1, 128), 1), "they follow from the seed")
	require.NotEqual(t, a[HeaderSize:], made(newPayloads(Payload{}, 2, 128), 1)[HeaderSize:])
}

// TestPayloadFile: the header lies over the file's first bytes.
func TestPayloadFile(t *testing.T) {
	file := bytes.Repeat([]byte("0123456789"), 10)
	v := made(newPayloads(Payload{File: file}, 1, 100), 7)
	require.Equal(t, file[HeaderSize:], v[HeaderSize:])
	_, err := ReadStamp(v)
	require.NoError(t, err)
	require.Equal(t, bytes.Repeat([]byte("0123456789"), 10), file, "it is not written to")
}

// TestPayloadPool: as many values as asked for, random up to the share and
// zeros from there.
func TestPayloadPool(t *testing.T) {
	p := newPayloads(Payload{Pool: 3, RandomRatio: 0.5}, 1, 200)
	seen := map[string]bool{}
	for i := range int64(200) {
		v := made(p, i)
		require.Equal(t, make([]byte, 100), v[100:])
		require.NotEqual(t, make([]byte, 60), v[HeaderSize:100])
		seen[string(v[HeaderSize:])] = true
	}
	require.Len(t, seen, 3)
}

func TestPayloadFaults(t *testing.T) {
	for want, p := range map[string]Payload{
		"has 3 bytes":     {File: []byte("abc")},
		"want one of":     {File: make([]byte, 100), Pool: 1},
		"a pool of -1":    {Pool: -1},
		"a pool of 2000":  {Pool: 20_000_000},
		"random share of": {Pool: 1, RandomRatio: 1.5},
	} {
		require.ErrorContains(t, p.validate(100), want)
	}
}

// TestPayloadsOfAnySize: a window never leaves the pool.
func TestPayloadsOfAnySize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(HeaderSize, 5000).Draw(t, "size")
		p := newPayloads(Payload{Pool: rapid.IntRange(0, 5).Draw(t, "pool"), RandomRatio: rapid.Float64Range(0, 1).Draw(t, "ratio")}, 1, size)
		s := Stamp{Sequence: rapid.Int64().Draw(t, "sequence"), Producer: rapid.Uint32().Draw(t, "producer")}
		if n := len(p.of(s)); n != size {
			t.Fatalf("a payload of %d bytes, want %d", n, size)
		}
	})
}

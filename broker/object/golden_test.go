package object_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/object"
)

// goldenBatches are the batches of docs/FORMAT.md's golden object, encoded.
func goldenBatches() [][]byte {
	var out [][]byte
	offset := int64(10)
	for i := range 5 {
		count := int32(2 + i)
		out = append(out, encoded(object.RecordBatch{StreamID: 233, Epoch: 3, BaseOffset: offset, Count: count, Payload: pattern(400+i, i)}))
		offset += int64(count)
	}
	for i := range 3 {
		out = append(out, encoded(object.RecordBatch{StreamID: 234, Epoch: 1, BaseOffset: int64(i), Count: 1, Payload: pattern(100, 50+i)}))
	}
	return out
}

func encoded(b object.RecordBatch) []byte { return object.AppendBatch(nil, b) }

func pattern(n, seed int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(31*i + seed)
	}
	return p
}

// write lays an object out and joins its pieces.
func write(t testing.TB, blockSize int, batches ...[]byte) ([]byte, object.Layout) {
	w := object.NewWriter(blockSize)
	for _, b := range batches {
		require.NoError(t, w.Add(b))
	}
	l, err := w.Finish()
	require.NoError(t, err)
	var all []byte
	for _, p := range l.Body {
		all = append(all, p...)
	}
	require.Len(t, all, int(l.Size))
	return all, l
}

func TestGoldenObject(t *testing.T) {
	all, l := write(t, 1024, goldenBatches()...)
	require.Len(t, all, 2760)
	sum := sha256.Sum256(all)
	require.Equal(t, "403365f77023aabd3583e08413a250dc3f5845bde9dd4a98520b882d8a57031a", hex.EncodeToString(sum[:]))
	want := object.Index{
		{StreamID: 233, StartOffset: 10, EndOffsetDelta: 9, BatchCount: 3, Position: 0, Size: 1312},
		{StreamID: 233, StartOffset: 19, EndOffsetDelta: 11, BatchCount: 2, Position: 1312, Size: 883},
		{StreamID: 234, StartOffset: 0, EndOffsetDelta: 3, BatchCount: 3, Position: 2195, Size: 409},
	}
	require.Equal(t, want, l.Entries)
	require.EqualValues(t, 2604, l.IndexPosition)

	pos, length, err := object.DecodeFooter(7, all)
	require.NoError(t, err)
	require.Equal(t, l.IndexPosition, pos)
	require.Equal(t, l.IndexLength, length)
	x, err := object.DecodeIndexAt(7, pos, all[pos:pos+int64(length)])
	require.NoError(t, err)
	require.Equal(t, want, x)
	x, err = object.DecodeIndex(7, all[pos:pos+int64(length)])
	require.NoError(t, err)
	require.Equal(t, want, x)

	batches := goldenBatches()
	for _, e := range x {
		err := object.ForEachBatch(7, e, all[e.Position:e.Position+int64(e.Size)], func(enc []byte, b object.RecordBatch) error {
			require.Equal(t, batches[0], enc)
			require.Equal(t, enc[object.BatchHeaderSize:], b.Payload)
			batches = batches[1:]
			return nil
		})
		require.NoError(t, err)
	}
	require.Empty(t, batches)
}

func TestKey(t *testing.T) {
	require.Equal(t, "70000000/DEFAULT/7", object.Key("DEFAULT", 7))
	require.Equal(t, "01000000/ns/16", object.Key("ns", 16))
	require.Equal(t, "fffffff7/n/2147483647", object.Key("n", 1<<31-1))
	require.Equal(t, "000000001/n/4294967296", object.Key("n", 1<<32), "an id beyond 8 digits makes a longer prefix")
}

func TestKeyID(t *testing.T) {
	for key, want := range map[string]int64{
		"70000000/DEFAULT/7":             7,
		"/data/objects/01000000/ns/16":   16,
		"000000001/n/4294967296":         1 << 32,
		"80000000/DEFAULT/7":             -1,
		"DEFAULT/7":                      -1,
		"":                               -1,
		"70000000/DEFAULT/seven":         -1,
		"70000000/DEFAULT/+7":            -1,
		"70000000/DEFAULT/7/":            -1,
		"70000000/DEFAULT/7.part":        -1,
		"somewhere/70000000/DEFAULT/007": -1,
	} {
		id, ok := object.KeyID(key)
		require.Equal(t, want >= 0, ok, key)
		if ok {
			require.Equal(t, want, id, key)
		}
	}
}

// TestReadEntry: payloads may be left unread, the loop may be ended, and an
// input that ends early is no corruption but a failed read.
func TestReadEntry(t *testing.T) {
	all, l := write(t, 1024, goldenBatches()...)
	e := l.Entries[0]
	block := all[e.Position : e.Position+int64(e.Size)]
	seen := 0
	skip := func(object.RecordBatch, int32, io.Reader) error { seen++; return nil }
	require.NoError(t, object.ReadEntry(7, e, bytes.NewReader(all), skip))
	require.Equal(t, 3, seen)
	require.NoError(t, object.ReadEntry(7, e, bytes.NewReader(block), func(object.RecordBatch, int32, io.Reader) error { return object.ErrStop }))
	for _, n := range []int{0, 5, 20, 100, len(block) - 1} {
		err := object.ReadEntry(7, e, bytes.NewReader(block[:n]), skip)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.NotErrorIs(t, err, object.ErrCorrupt)
	}
	mine := errors.New("mine")
	require.Equal(t, mine, object.ReadEntry(7, e, bytes.NewReader(block), func(object.RecordBatch, int32, io.Reader) error { return mine }))
}

func TestFind(t *testing.T) {
	_, l := write(t, 1024, goldenBatches()...)
	for _, c := range []struct {
		stream, offset int64
		at             int
		ok             bool
	}{
		{233, 9, 0, false},
		{233, 10, 0, true},
		{233, 18, 0, true},
		{233, 19, 1, true},
		{233, 29, 1, true},
		{233, 30, 2, false},
		{234, 0, 2, true},
		{234, 2, 2, true},
		{234, 3, 3, false},
		{232, 10, 0, false},
		{235, 0, 3, false},
	} {
		at, ok := l.Entries.Find(c.stream, c.offset)
		require.Equal(t, c.ok, ok, "%+v", c)
		require.Equal(t, c.at, at, "%+v", c)
	}
	_, ok := object.Index(nil).Find(1, 1)
	require.False(t, ok)
}

func TestTail(t *testing.T) {
	all, l := write(t, 1024, goldenBatches()...)
	size := int64(len(all))
	guess := object.TailGuess(size)
	require.EqualValues(t, 1024, guess)
	require.EqualValues(t, 1024+36*5, object.TailGuess(5<<20+17))
	require.EqualValues(t, 100, object.TailGuess(100))

	whole, err := object.ReadTail(7, size, all[size-guess:])
	require.NoError(t, err)
	require.Equal(t, all[l.IndexPosition:size-object.FooterSize], whole.Index)

	short, err := object.ReadTail(7, size, all[size-100:])
	require.NoError(t, err)
	require.Nil(t, short.Index, "the index begins before the tail: one more GET")
	require.Equal(t, l.IndexPosition, short.IndexPosition)
	require.Equal(t, l.IndexLength, short.IndexLength)

	for _, bad := range [][]byte{nil, all[size-47:], all[:100], append([]byte("x"), all...)} {
		_, err := object.ReadTail(7, size, bad)
		require.ErrorIs(t, err, object.ErrCorrupt)
	}
	_, err = object.ReadTail(7, size+36, all[size-100:])
	require.ErrorContains(t, err, "object 7, position 2748: want index position 2640")
}

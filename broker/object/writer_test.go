package object_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/broker/object"
)

func TestWriterRefuses(t *testing.T) {
	batch := func(stream, base int64, count int32) []byte {
		return encoded(object.RecordBatch{StreamID: stream, BaseOffset: base, Count: count, Payload: []byte("x")})
	}
	w := object.NewWriter(0)
	require.NoError(t, w.Add(batch(5, 10, 10)))
	require.ErrorIs(t, w.Add(batch(4, 99, 1)), object.ErrOrder)
	require.ErrorIs(t, w.Add(batch(5, 19, 1)), object.ErrOrder)
	require.ErrorIs(t, w.Add(batch(5, 20, 1)[:20]), object.ErrCorrupt)
	require.ErrorIs(t, w.Add(append(batch(5, 20, 1), 0)), object.ErrCorrupt)
	require.NoError(t, w.Add(batch(5, 20, 1)), "a refusal changes nothing")
	l, err := w.Finish()
	require.NoError(t, err)
	require.Len(t, l.Entries, 1)

	_, err = object.NewWriter(1).Finish()
	require.ErrorIs(t, err, object.ErrEmpty)
}

// TestWriterSplitsWideOffsets: the offset delta of an entry has 32 bits, and a
// batch that would overflow it begins a new block.
func TestWriterSplitsWideOffsets(t *testing.T) {
	_, l := write(t, 1<<20,
		encoded(object.RecordBatch{StreamID: 1, BaseOffset: 0, Count: math.MaxInt32}),
		encoded(object.RecordBatch{StreamID: 1, BaseOffset: math.MaxInt32, Count: 1}))
	require.Len(t, l.Entries, 2)
	require.EqualValues(t, math.MaxInt32, l.Entries[0].EndOffsetDelta)
}

// TestWriterCopiesNothing: batches that lie back to back in memory become one
// piece of the body, and the pieces are the caller's own bytes.
func TestWriterCopiesNothing(t *testing.T) {
	a := encoded(object.RecordBatch{StreamID: 1, BaseOffset: 0, Count: 1, Payload: pattern(100, 1)})
	chunk := object.AppendBatch(a, object.RecordBatch{StreamID: 1, BaseOffset: 1, Count: 1, Payload: pattern(50, 2)})
	apart := encoded(object.RecordBatch{StreamID: 1, BaseOffset: 2, Count: 1, Payload: pattern(10, 3)})

	w := object.NewWriter(1 << 20)
	require.NoError(t, w.Add(chunk[:133]))
	require.NoError(t, w.Add(chunk[133:]))
	require.NoError(t, w.Add(apart))
	l, err := w.Finish()
	require.NoError(t, err)
	require.Len(t, l.Body, 4, "block header, two batches in one, the third, index and footer")
	require.Same(t, &chunk[0], &l.Body[1][0])
	require.Len(t, l.Body[1], len(chunk))
	require.Same(t, &apart[0], &l.Body[2][0])
}

// TestRoundTrip: whatever is written comes back, in blocks that keep the
// writer's rules.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		blockSize := rapid.IntRange(1, 400).Draw(r, "block")
		in := drawBatches(r)
		w := object.NewWriter(blockSize)
		for _, b := range in {
			require.NoError(r, w.Add(encoded(b)))
		}
		l, err := w.Finish()
		require.NoError(r, err)
		var all []byte
		for _, p := range l.Body {
			all = append(all, p...)
		}
		tail, err := object.ReadTail(1, l.Size, all)
		require.NoError(r, err)
		x, err := object.DecodeIndexAt(1, tail.IndexPosition, tail.Index)
		require.NoError(r, err)
		require.Equal(r, l.Entries, x)
		readBack(r, x, all, in, blockSize)
	})
}

func drawBatches(r *rapid.T) []object.RecordBatch {
	var in []object.RecordBatch
	stream := int64(0)
	for range rapid.IntRange(1, 4).Draw(r, "streams") {
		stream += rapid.Int64Range(1, 1000).Draw(r, "gap")
		next := rapid.Int64Range(0, 1<<40).Draw(r, "start")
		for range rapid.IntRange(1, 6).Draw(r, "batches") {
			b := object.RecordBatch{
				StreamID: stream, Epoch: rapid.Int64().Draw(r, "epoch"), BaseOffset: next,
				Count: rapid.Int32Range(1, 1000).Draw(r, "count"), Payload: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(r, "payload"),
			}
			next = b.EndOffset()
			in = append(in, b)
		}
	}
	return in
}

func readBack(r *rapid.T, x object.Index, all []byte, in []object.RecordBatch, blockSize int) {
	for i, e := range x {
		sum := 0
		err := object.ForEachBatch(1, e, all[e.Position:e.Position+int64(e.Size)], func(_ []byte, b object.RecordBatch) error {
			require.Less(r, sum, blockSize, "the block was full already")
			require.Equal(r, in[0].StreamID, b.StreamID)
			require.Equal(r, in[0].BaseOffset, b.BaseOffset)
			require.Equal(r, in[0].Epoch, b.Epoch)
			require.Equal(r, string(in[0].Payload), string(b.Payload))
			at, ok := x.Find(b.StreamID, b.EndOffset()-1)
			require.True(r, ok && at == i)
			sum += len(b.Payload)
			in = in[1:]
			return nil
		})
		require.NoError(r, err)
		if i+1 < len(x) && x[i+1].StreamID == e.StreamID {
			require.GreaterOrEqual(r, sum, blockSize, "only a full block or the stream's last one is closed")
		}
	}
	require.Empty(r, in)
}

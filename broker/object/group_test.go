package object_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/object"
)

// groupObject is the golden object with the two DataBlocks of stream 233 under
// one index entry, as compaction leaves them. The data is the same byte for
// byte; only the index is shorter.
func groupObject(t testing.TB) ([]byte, object.Index) {
	all, l := write(t, 1024, goldenBatches()...)
	x := object.Index{
		{StreamID: 233, StartOffset: 10, EndOffsetDelta: 20, BatchCount: 5, Position: 0, Size: 1312 + 883},
		l.Entries[2],
	}
	out := object.AppendIndex(bytes.Clone(all[:l.IndexPosition]), x)
	return object.AppendFooter(out, l.IndexPosition, int32(x.EncodedSize())), x
}

func TestGoldenGroup(t *testing.T) {
	all, want := groupObject(t)
	require.Len(t, all, 2760-object.IndexEntrySize)
	sum := sha256.Sum256(all)
	require.Equal(t, "44178f181924ff8888234f60573fe5591bb752ec371818d8246c65badf2192f4", hex.EncodeToString(sum[:]))

	tail, err := object.ReadTail(7, int64(len(all)), all)
	require.NoError(t, err)
	x, err := object.DecodeIndexAt(7, tail.IndexPosition, tail.Index)
	require.NoError(t, err)
	require.Equal(t, want, x)
	for offset := int64(10); offset < 30; offset++ {
		at, ok := x.Find(233, offset)
		require.True(t, ok)
		require.Zero(t, at)
	}
	batches := goldenBatches()
	for _, e := range x {
		require.NoError(t, object.ForEachBatch(7, e, all[e.Position:e.Position+int64(e.Size)], func(enc []byte, _ object.RecordBatch) error {
			require.Equal(t, batches[0], enc)
			batches = batches[1:]
			return nil
		}))
	}
	require.Empty(t, batches)
}

// TestBrokenGroup: what is wrong with any block of a group is found.
func TestBrokenGroup(t *testing.T) {
	all, x := groupObject(t)
	each := func(e object.IndexEntry, b []byte) error {
		return object.ForEachBatch(7, e, b, func([]byte, object.RecordBatch) error { return nil })
	}
	e, group := x[0], all[:x[0].Size]
	require.NoError(t, each(e, group))
	swapped := append(bytes.Clone(group[1312:]), group[:1312]...)
	doubled := append(bytes.Clone(group), group[1312:]...)
	for name, c := range map[string]struct {
		entry object.IndexEntry
		bytes []byte
	}{
		"second magic":     {e, change(group, 1312, 0)},
		"second flags":     {e, change(group, 1313, 3)},
		"second count":     {e, change(group, 1312+5, 3)},
		"second length":    {e, change(group, 1312+9, 0)},
		"swapped":          {e, swapped},
		"one block only":   {sized(e, 1312), group[:1312]},
		"a block too many": {sized(e, int32(len(doubled))), doubled},
		"cut":              {sized(e, e.Size-1), group[:e.Size-1]},
	} {
		require.ErrorIs(t, each(c.entry, c.bytes), object.ErrCorrupt, name)
	}
}

func change(b []byte, at int, v byte) []byte {
	c := bytes.Clone(b)
	c[at] = v
	return c
}

func sized(e object.IndexEntry, n int32) object.IndexEntry {
	e.Size = n
	return e
}

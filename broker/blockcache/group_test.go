package blockcache_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
)

// grouped puts the bytes of a world's object again, under an index that has
// every two neighbouring blocks in one entry, as compaction leaves them.
func grouped(t *testing.T, w *world) made {
	from := w.objects[0]
	var x object.Index
	for i := 0; i < len(from.index); i += 2 {
		a, b := from.index[i], from.index[i+1]
		a.EndOffsetDelta, a.BatchCount, a.Size = int32(b.EndOffset()-a.StartOffset), a.BatchCount+b.BatchCount, a.Size+b.Size
		x = append(x, a)
	}
	data := bytes.Clone(from.bytes[:from.ref.IndexPosition])
	length := int32(x.EncodedSize())
	all := object.AppendFooter(object.AppendIndex(data, x), from.ref.IndexPosition, length)
	key := object.Key("test", 99)
	require.NoError(t, w.store.Put(t.Context(), key, objstore.Body{all}))
	return made{
		ref:   blockcache.ObjectRef{ID: 99, Key: key, Size: int64(len(all)), IndexPosition: from.ref.IndexPosition, IndexLength: length},
		index: x, bytes: all,
	}
}

// TestGroup: a group is one entry, one GET and one block of the cache, and what
// it holds is checked block by block.
func TestGroup(t *testing.T) {
	w := newWorld(t, 1, 2, 6, 4*kib)
	w.objects = append(w.objects, grouped(t, w))
	c := w.open(t, blockcache.Config{})
	x, err := c.Index(t.Context(), w.objects[1].ref)
	require.NoError(t, err)
	require.Equal(t, w.objects[1].index, x)
	require.Len(t, x, 6)
	before := w.gets()
	for range 2 {
		for n, e := range x {
			w.read(t, c, 1, n)
			batches := 0
			require.NoError(t, object.ForEachBatch(99, e, w.want(1, n), func([]byte, object.RecordBatch) error { batches++; return nil }))
			require.Equal(t, 2, batches)
		}
	}
	require.EqualValues(t, len(x), w.gets()-before)
	require.EqualValues(t, len(x), c.Stats().Loads)
}

// TestDamagedGroup: the second block of a group is looked at as the first is.
func TestDamagedGroup(t *testing.T) {
	w := newWorld(t, 1, 1, 2, 4*kib)
	g := grouped(t, w)
	second := int(w.objects[0].index[1].Position)
	g.bytes = bytes.Clone(g.bytes)
	g.bytes[second]++ // the magic of the second DataBlock
	g.ref.ID, g.ref.Key = 100, object.Key("test", 100)
	require.NoError(t, w.store.Put(t.Context(), g.ref.Key, objstore.Body{g.bytes}))
	c := w.open(t, blockcache.Config{})
	_, err := c.Block(t.Context(), g.ref, g.index[0])
	require.ErrorIs(t, err, object.ErrCorrupt)
	require.EqualValues(t, 1, c.Stats().Corrupt)
}

package blockcache_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/object"
)

func (w *world) get(t require.TestingT, c *blockcache.Cache, o, n int) *blockcache.Block {
	b, err := c.Get(ctxOf(t), w.request(o, n))
	require.NoError(t, err)
	return b
}

// TestLend: blocks on loan stay readable whatever is evicted, their sum keeps
// within the budget, and a block lent twice counts once.
func TestLend(t *testing.T) {
	w := newWorld(t, 1, 1, 20, 16*kib-64) // slots of 16 KiB
	c := w.open(t, blockcache.Config{Size: 64 * kib, PinnedSize: 32 * kib, LendSize: 32 * kib})
	first, again, second, third := w.get(t, c, 0, 0), w.get(t, c, 0, 0), w.get(t, c, 0, 1), w.get(t, c, 0, 2)
	require.True(t, first.Lend())
	require.True(t, again.Lend())
	require.True(t, second.Lend())
	require.EqualValues(t, 32*kib, c.Stats().Lent)
	require.False(t, third.Lend(), "the budget is out")
	require.EqualValues(t, 1, c.Stats().LendRefused)
	third.Release()
	for n := 3; n < 20; n++ {
		w.read(t, c, 0, n)
	}
	require.True(t, bytes.Equal(w.want(0, 0), first.Bytes()))
	require.True(t, bytes.Equal(w.want(0, 1), second.Bytes()))
	first.Return()
	require.EqualValues(t, 32*kib, c.Stats().Lent)
	again.Return()
	require.EqualValues(t, 16*kib, c.Stats().Lent)
	second.Return()
	s := c.Stats()
	require.Zero(t, s.Lent)
	require.Equal(t, s.Resident, s.InUse)

	b := w.get(t, c, 0, 0)
	require.Panics(t, b.Return, "it is pinned and not lent")
	b.Release()
}

// TestLentBlocksStopNobody: with all of the budget on loan, to consumers that
// never return it, other readers go on.
func TestLentBlocksStopNobody(t *testing.T) {
	w := newWorld(t, 1, 1, 40, 16*kib-64)
	c := w.open(t, blockcache.Config{Size: 128 * kib})
	var lent []*blockcache.Block
	for n := 0; ; n++ {
		b := w.get(t, c, 0, n)
		if !b.Lend() {
			b.Release()
			break
		}
		lent = append(lent, b)
	}
	require.Len(t, lent, 2, "a quarter of the cache")
	for range 3 {
		for n := range 40 {
			w.read(t, c, 0, n)
		}
	}
	require.Zero(t, c.Stats().PinWaits)
	for _, b := range lent {
		b.Return()
	}
}

var errRotten = errors.New("rotten")

// TestVerifiedOnce: a block's batches are verified when it is loaded and not
// again. Those before a bad one are served, and the block is not kept.
func TestVerifiedOnce(t *testing.T) {
	w := newWorld(t, 1, 1, 1, 4*kib)
	ow := object.NewWriter(1 << 20)
	for n := range int64(10) {
		require.NoError(t, ow.Add(object.AppendBatch(nil, object.RecordBatch{StreamID: 1, BaseOffset: n * 10, Count: 10, Payload: make([]byte, 700)})))
	}
	l, err := ow.Finish()
	require.NoError(t, err)
	require.NoError(t, w.store.Put(t.Context(), "k", l.Body))
	r := blockcache.Request{Entry: l.Entries[0], Object: blockcache.ObjectRef{ID: 9, Key: "k", Size: l.Size, IndexPosition: l.IndexPosition, IndexLength: l.IndexLength}}

	verified, bad := 0, int64(-1)
	c := w.open(t, blockcache.Config{Verify: func(b object.RecordBatch) error {
		verified++
		if b.BaseOffset == bad {
			return errRotten
		}
		return nil
	}})
	walk := func(from int64) (offsets []int64, err error) {
		b, err := c.Get(t.Context(), r)
		require.NoError(t, err)
		defer b.Release()
		for cursor := b.Batches(from); ; {
			batch, ok, err := cursor.Next()
			if !ok {
				return offsets, err
			}
			offsets = append(offsets, batch.BaseOffset)
		}
	}
	bad = 60
	got, err := walk(35)
	require.ErrorIs(t, err, errRotten)
	require.ErrorContains(t, err, "object 9, batch at offset 60")
	require.Equal(t, []int64{30, 40, 50}, got)
	require.EqualValues(t, 1, c.Stats().Corrupt)
	require.Zero(t, c.Stats().Blocks, "the next reader gets it anew: it may have been the way, not the object")

	bad, verified = -1, 0
	for range 5 {
		got, err = walk(35)
		require.NoError(t, err)
		require.Equal(t, []int64{30, 40, 50, 60, 70, 80, 90}, got)
	}
	require.Equal(t, 10, verified, "each batch once, for five fetches")
}

// TestBatches: from any offset on, a cursor finds what a walk from the block's
// start finds.
func TestBatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ow := object.NewWriter(1 << 30)
		next, bases := int64(rapid.IntRange(0, 1000).Draw(t, "start")), []int64{}
		for range rapid.IntRange(1, 60).Draw(t, "batches") {
			count := int32(rapid.IntRange(1, 5).Draw(t, "count"))
			payload := make([]byte, rapid.SampledFrom([]int{1, 100, 5000, 4096 - 33}).Draw(t, "size"))
			require.NoError(t, ow.Add(object.AppendBatch(nil, object.RecordBatch{StreamID: 1, BaseOffset: next, Count: count, Payload: payload})))
			bases, next = append(bases, next), next+int64(count)
		}
		l, err := ow.Finish()
		require.NoError(t, err)
		e := l.Entries[0]
		w := newWorld(t, 1, 1, 1, 400)
		require.NoError(t, w.store.Put(ctxOf(t), "k", l.Body))
		c, err := blockcache.New(blockcache.Config{Store: w.store})
		require.NoError(t, err)
		defer c.Close()
		b, err := c.Get(ctxOf(t), blockcache.Request{Entry: e, Object: blockcache.ObjectRef{ID: 9, Key: "k", Size: l.Size}})
		require.NoError(t, err)
		defer b.Release()
		from := rapid.Int64Range(e.StartOffset-3, e.EndOffset()+3).Draw(t, "from")
		var want, got []int64
		for i, base := range bases {
			end := next
			if i+1 < len(bases) {
				end = bases[i+1]
			}
			if end > from {
				want = append(want, base)
			}
		}
		for cursor := b.Batches(from); ; {
			batch, ok, err := cursor.Next()
			require.NoError(t, err)
			if !ok {
				break
			}
			got = append(got, batch.BaseOffset)
		}
		require.Equal(t, want, got)
	})
}

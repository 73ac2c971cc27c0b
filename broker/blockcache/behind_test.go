package blockcache_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/blockcache"
)

// scan prefetches blocks of object 0 and reads them to their end, in order.
func (w *world) scan(t *testing.T, c *blockcache.Cache, from, to int) {
	for n := from; n < to; n++ {
		c.Prefetch(w.objects[0].ref, w.objects[0].index[n])
		synctest.Wait()
		b := w.get(t, c, 0, n)
		b.Finish()
		b.Release()
	}
}

// TestScanLeavesEarly: what one reader has read to its end goes before the
// policy would send anything away, but for the newest; what was not loaded
// ahead stays, and so does what a second reader wants.
func TestScanLeavesEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1, 60, 16*kib-64)
		c := w.open(t, blockcache.Config{Size: 640 * kib, BehindSize: 64 * kib})
		for n := 40; n < 44; n++ {
			w.read(t, c, 0, n)
		}
		w.scan(t, c, 0, 6)
		w.read(t, c, 0, 2) // a second reader: 0 and 1 have left, 2 is there
		w.scan(t, c, 6, 30)
		s := c.Stats()
		require.Zero(t, s.Evictions)
		require.EqualValues(t, []int64{64 * kib, 25}, []int64{s.Read, s.Behind}, "four blocks of 30 are kept, and number 2")
		require.EqualValues(t, (4+1+4)*16*kib, s.InUse)
		require.Equal(t, s.Resident, s.InUse)
		require.EqualValues(t, s.InUse+16*kib, s.Mapped, "all others took the one slot more in turn")
		gets := w.gets()
		for _, n := range []int{2, 26, 27, 28, 29, 40, 41, 42, 43} {
			w.read(t, c, 0, n)
		}
		require.Equal(t, gets, w.gets())
	})
}

// TestScanIsKeptForFollowers: consumers that come behind the first, too late
// for the limit, make it grow until they find what they want.
func TestScanIsKeptForFollowers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1, 200, 16*kib-64)
		c := w.open(t, blockcache.Config{Size: 640 * kib, BehindSize: 32 * kib})
		const lag = 15
		missed := 0
		for n := range 200 {
			w.scan(t, c, n, n+1)
			if n >= lag {
				before := w.gets()
				w.read(t, c, 0, n-lag)
				missed += int(w.gets() - before)
			}
		}
		require.Less(t, missed, 60)
		s := c.Stats()
		require.EqualValues(t, 3, s.BehindMissed, "32 KiB doubled until 15 blocks fit")
	})
}

// TestPinnedBlocksLeaveWithTheirPin: a block that is dismissed while a consumer
// holds it stays readable.
func TestPinnedBlocksLeaveWithTheirPin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1, 10, 16*kib-64)
		c := w.open(t, blockcache.Config{Size: 640 * kib, BehindSize: 16 * kib})
		c.Prefetch(w.objects[0].ref, w.objects[0].index[0])
		synctest.Wait()
		held := w.get(t, c, 0, 0)
		require.True(t, held.Lend())
		held.Finish()
		w.scan(t, c, 1, 5)
		require.Equal(t, w.want(0, 0), held.Bytes())
		require.EqualValues(t, 2*16*kib, c.Stats().InUse)
		held.Return()
		require.EqualValues(t, 16*kib, c.Stats().InUse)
	})
}

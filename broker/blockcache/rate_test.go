package blockcache_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/cacheexp/prefetch"
)

// remote is a store far away: each GET takes the time of its first byte and
// that of its bytes on a connection of its own.
type remote struct {
	objstore.Store
	first time.Duration
	rate  int // bytes a second and connection
}

func (s remote) took(n int) time.Duration {
	return s.first + time.Duration(n)*time.Second/time.Duration(s.rate)
}

func (s remote) GetRange(ctx context.Context, key string, pos int64, p []byte) error {
	time.Sleep(s.took(len(p)))
	return s.Store.GetRange(ctx, key, pos, p)
}

// TestCatchUpFillsTheConnections: readers that catch up from a store whose GETs
// take as long as S3's keep all connections busy that prefetching has. Time is
// synctest's; sizes are a 64th of the real ones, so that the test is quick, and
// the rate with them.
func TestCatchUpFillsTheConnections(t *testing.T) {
	const (
		scale, connections = 64, 8
		get                = 4 << 20 / scale
		block              = 1 << 20 / scale
	)
	for _, readers := range []int{2, 4} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 24, readers, 16, block)
			far := remote{Store: w.store, first: 30 * time.Millisecond, rate: 80 << 20 / scale}
			ahead, err := prefetch.New("automq:2024")
			require.NoError(t, err)
			size := int(w.objects[0].index[0].Size)
			c, err := blockcache.New(blockcache.Config{
				Store: far, Prefetch: ahead, MaxPrefetch: connections, MaxGet: get / block * size,
				Size: 1 << 30 / scale, AheadSize: 256 << 20 / scale,
			})
			require.NoError(t, err)
			defer c.Close()
			start := time.Now()
			var wg sync.WaitGroup
			for s := range readers {
				wg.Go(func() { w.walk(t, c, s) })
			}
			wg.Wait()
			rate := float64(24*readers*16*size) / time.Since(start).Seconds()
			full := connections * float64(get) / far.took(get).Seconds()
			require.Greater(t, rate, 0.85*full, "%d readers", readers)
		})
	}
}

// TestNothingAheadIsDropped: what the prefetcher proposes for its readers finds
// room, though blocks take more than their bytes there. Each one that did not
// would cost its reader a GET of its own.
func TestNothingAheadIsDropped(t *testing.T) {
	const readers, block = 2, 66 << 10
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 8, readers, 40, block)
		ahead, err := prefetch.New("automq:2024")
		require.NoError(t, err)
		c, err := blockcache.New(blockcache.Config{
			Store: remote{Store: w.store, first: 30 * time.Millisecond, rate: 80 << 20}, Prefetch: ahead, Size: 16 << 20,
		})
		require.NoError(t, err)
		defer c.Close()
		var wg sync.WaitGroup
		for s := range readers {
			wg.Go(func() { w.walk(t, c, s) })
		}
		wg.Wait()
		require.Zero(t, c.Stats().PrefetchDropped)
		require.LessOrEqual(t, c.Stats().Misses, int64(4*readers))
	})
}

// walk reads one stream from its first block to its last.
func (w *world) walk(t *testing.T, c *blockcache.Cache, stream int) {
	for o := range w.objects {
		x, err := c.Index(t.Context(), w.objects[o].ref)
		if err != nil {
			t.Error(err)
			return
		}
		for n := range x {
			if x[n].StreamID != int64(stream+1) {
				continue
			}
			r := w.request(o, n)
			r.Reader, r.Following = uint64(stream), refs(w, o+1)
			b, err := c.Get(t.Context(), r)
			if err != nil {
				t.Error(err)
				return
			}
			b.Finish()
			b.Release()
		}
	}
}

package stream

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/dir"
	"github.com/tidelog/tide/broker/objstore/fault"
	memstore "github.com/tidelog/tide/broker/objstore/mem"
	"github.com/tidelog/tide/cacheexp/prefetch"
)

// cold is a life whose streams lie in objects only, and what is between it and
// the store.
type cold struct {
	*life
	store  *objstore.CountedStore
	fault  *fault.Store
	blocks *blockcache.Cache
}

// newCold writes batches of n bytes to each of the streams and starts a block
// cache that knows nothing of them.
func newCold(t testing.TB, streams int32, batches, n int, cfg blockcache.Config, spec string) *cold {
	r := newRig(t, streams)
	c := &cold{fault: fault.Wrap(memstore.New())}
	c.store = objstore.Counted(c.fault)
	r.store = c.store
	ahead, err := prefetch.New(spec)
	require.NoError(t, err)
	cfg.Store, cfg.Prefetch = c.store, ahead
	r.tune = func(e *Config) {
		c.blocks, err = blockcache.New(cfg)
		require.NoError(t, err)
		e.Blocks = c.blocks
	}
	c.life = r.open()
	t.Cleanup(func() { c.close(); c.blocks.Close() })
	for i := range int(streams) {
		c.mustAdd(c.stream(i), batches, n)
	}
	c.settle()
	c.cache.Drop()
	return c
}

func (c *cold) gets() int64 { return c.store.Stats(objstore.OpGet).Requests }

// TestLookUpCostsTwoGETs: one record by its offset is index and block, and the
// block alone once the index is known, whatever the prefetcher; none where one
// that reads more at a miss has brought it along.
func TestLookUpCostsTwoGETs(t *testing.T) {
	for _, spec := range prefetch.Names() {
		t.Run(spec, func(t *testing.T) {
			c := newCold(t, 1, 200, 4000, blockcache.Config{}, spec)
			p, err := prefetch.New(spec)
			require.NoError(t, err)
			joins := prefetch.Joins(p)
			for i, at := range []int64{30, 47, 31, 150} {
				before := c.gets()
				r, err := c.stream(0).Fetch(t.Context(), at, 1, true)
				require.NoError(t, err)
				require.Equal(t, payload(c.stream(0).id, at, 4000), r.Buffers[0])
				r.Release()
				want := map[int]int64{0: 2, 1: 1, 2: 0}[i]
				if i == 1 && joins {
					want = 0
				}
				if i < 3 {
					require.Equal(t, want, c.gets()-before, "offset %d", at)
				} else {
					require.LessOrEqual(t, c.gets()-before, int64(2))
				}
			}
		})
	}
}

// TestCatchUpReadsOnce: a walk through a whole stream gets each block and each
// index once, blocks that lie together with one GET, and hardly a byte more
// than it serves; a reader beside it disturbs nothing.
func TestCatchUpReadsOnce(t *testing.T) {
	c := newCold(t, 2, 400, 4000, blockcache.Config{Size: 8 << 20}, "automq:2024")
	c.verify(c.stream(0), 0, 400, 4000)
	c.verify(c.stream(1), 0, 400, 4000)
	get, s := c.store.Stats(objstore.OpGet), c.blocks.Stats()
	served := c.Stats().ObjectRead
	require.EqualValues(t, 2*400*4000, served)
	require.Less(t, float64(get.Bytes), 1.05*float64(served))
	require.Equal(t, get.Requests, s.Loads+s.Prefetches+s.IndexLoads)
	require.Less(t, s.Prefetches, s.PrefetchedBlocks/2, "adjacent blocks share a GET")
	require.Zero(t, s.PrefetchWasted+s.Lent)
}

// TestFetchLendsAndReturns: batches of some size are slices of the block until
// Release or Detach, small ones are copies, and both are the same bytes.
func TestFetchLendsAndReturns(t *testing.T) {
	for _, n := range []int{100, 4000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			c := newCold(t, 1, 40, n, blockcache.Config{}, "none")
			s := c.stream(0)
			want := []byte{}
			for at := range int64(3) {
				want = append(want, payload(s.id, at, n)...)
			}
			joined := func(r *Read) (all []byte) {
				for _, b := range r.Buffers {
					all = append(all, b...)
				}
				return all
			}
			r, err := s.Fetch(t.Context(), 0, 3*n, true)
			require.NoError(t, err)
			require.Equal(t, n >= leastLent, r.Held())
			require.Equal(t, r.Held(), c.blocks.Stats().Lent > 0)
			require.Equal(t, want, joined(r))
			r.Detach()
			require.Equal(t, want, joined(r))
			require.Equal(t, len(want), r.Bytes)
			require.False(t, r.Held())
			require.Zero(t, c.blocks.Stats().Lent)
			r.Release()
			r.Release()
			r, err = s.Fetch(t.Context(), 0, 3*n, true)
			require.NoError(t, err)
			r.Release()
			require.Zero(t, c.blocks.Stats().Lent)
		})
	}
}

// TestSlowConsumersHoldABudget: however many reads are not released, what they
// hold of the cache stays within its budget; the others are copies. Producers
// and other readers go on.
func TestSlowConsumersHoldABudget(t *testing.T) {
	c := newCold(t, 1, 200, 4000, blockcache.Config{Size: 512 << 10}, "automq:2024")
	s := c.stream(0)
	var reads []*Read
	for at := int64(0); at < 200; {
		r, err := s.Fetch(t.Context(), at, 8000, true)
		require.NoError(t, err)
		reads, at = append(reads, r), r.Next
		require.LessOrEqual(t, c.blocks.Stats().Lent, int64(128<<10))
	}
	require.Positive(t, c.blocks.Stats().LendRefused)
	c.mustAdd(s, 300, 4000) // more than the log cache holds: it goes round
	c.verify(s, 0, 500, 4000)
	at := int64(0)
	for _, r := range reads {
		for _, b := range r.Buffers {
			for ; len(b) > 0; b, at = b[4000:], at+1 {
				require.Equal(t, payload(s.id, at, 4000), b[:4000])
			}
		}
		r.Release()
	}
	require.Zero(t, c.blocks.Stats().Lent)
}

// TestNoWait: a fetch that does not wait says that something is on its way, and
// several of them have their objects got at the same time.
func TestNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCold(t, 3, 20, 4000, blockcache.Config{}, "automq:2024")
		c.fault.Set(fault.Rule{Op: objstore.OpGet, Latency: 100 * time.Millisecond})
		start := time.Now()
		for done := 0; done < 3; {
			done = 0
			for i := range 3 {
				r, err := c.stream(i).FetchFor(t.Context(), Want{MaxBytes: 10_000, MinOne: true, NoWait: true})
				require.NoError(t, err)
				require.Equal(t, r.Bytes == 0, r.Loading)
				if r.Bytes > 0 {
					done++
				}
				r.Release()
			}
			time.Sleep(time.Millisecond)
		}
		require.Less(t, time.Since(start), 250*time.Millisecond, "index, then block, of all three at once")
	})
}

// TestNoWaitHidesNoError: a reader that never waits hears of an object that
// cannot be read in the end.
func TestNoWaitHidesNoError(t *testing.T) {
	c := newCold(t, 1, 20, 4000, blockcache.Config{}, "automq:2024")
	c.fault.Set(fault.Rule{Op: objstore.OpGet, Err: fault.ErrInjected})
	want := Want{MaxBytes: 10_000, MinOne: true, NoWait: true}
	var err error
	for n := 0; err == nil; n++ {
		require.LessOrEqual(t, n, mostBegun)
		var r *Read
		if r, err = c.stream(0).FetchFor(t.Context(), want); err == nil {
			require.True(t, r.Loading)
		}
	}
	require.ErrorIs(t, err, fault.ErrInjected)
	c.fault.Clear()
	r, err := c.stream(0).FetchFor(t.Context(), Want{MaxBytes: 10_000, MinOne: true})
	require.NoError(t, err)
	require.False(t, r.Loading)
	r.Release()
}

var errRotten = errors.New("rotten")

// TestRottenBatch: what lies before it is served, it itself is an error, and a
// reader that comes later gets the block anew.
func TestRottenBatch(t *testing.T) {
	bad := int64(7)
	c := newCold(t, 1, 20, 4000, blockcache.Config{Verify: func(b object.RecordBatch) error {
		if b.BaseOffset == bad {
			return errRotten
		}
		return nil
	}}, "automq:2024")
	s := c.stream(0)
	r, err := s.Fetch(t.Context(), 5, 1<<20, true)
	require.NoError(t, err)
	require.Equal(t, bad, r.Next)
	r.Release()
	_, err = s.Fetch(t.Context(), bad, 1<<20, true)
	require.ErrorIs(t, err, errRotten)
	require.Zero(t, c.blocks.Stats().Lent)
	bad = -1
	c.verify(s, 0, 20, 4000)
}

// TestLocateAllocatesNothing on the way through an object.
func TestLocateAllocatesNothing(t *testing.T) {
	c := newCold(t, 1, 20, 4000, blockcache.Config{}, "none")
	s := c.stream(0)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := s.locate(3, 1); err != nil {
			t.Error(err)
		}
	}))
}

// BenchmarkColdFetch reads streams out of objects of a directory, 1 MiB at a
// time, each pass with a block cache that is empty. Bytes are those of records.
func BenchmarkColdFetch(b *testing.B) {
	const streams, batches, size = 8, 512, 16 << 10
	for _, buffered := range []bool{false, true} {
		for _, spec := range []string{"none", "fixed", "automq:2024"} {
			name := map[bool]string{false: "dir", true: "dir-buffered"}[buffered]
			b.Run(fmt.Sprintf("store=%s/prefetch=%s", name, spec), func(b *testing.B) {
				benchmarkColdFetch(b, buffered, spec, streams, batches, size)
			})
		}
	}
}

func benchmarkColdFetch(b *testing.B, buffered bool, spec string, streams, batches, size int) {
	r := newRig(b, int32(streams))
	store, err := dir.Open(dir.Config{Root: b.TempDir(), BufferedReads: buffered, Logger: quiet})
	require.NoError(b, err)
	defer store.Close()
	r.store = store
	r.tune = func(c *Config) { c.Upload.BlockSize = 1 << 20 }
	l := r.open()
	defer l.close()
	for i := range streams {
		l.mustAdd(l.stream(i), batches, size)
	}
	l.settle()
	l.cache.Drop()
	own := l.Engine.cfg.Blocks
	defer func() { l.Engine.cfg.Blocks = own }()
	b.SetBytes(int64(streams * batches * size))
	b.ReportAllocs()
	for b.Loop() {
		ahead, err := prefetch.New(spec)
		require.NoError(b, err)
		blocks, err := blockcache.New(blockcache.Config{Store: store, Prefetch: ahead})
		require.NoError(b, err)
		l.Engine.cfg.Blocks = blocks
		for at := int64(0); at < int64(batches); {
			next := at
			for i := range streams {
				read, err := l.stream(i).Fetch(context.Background(), at, 1<<20, true)
				require.NoError(b, err)
				next = max(next, read.Next)
				read.Release()
			}
			at = next
		}
		blocks.Close()
	}
}

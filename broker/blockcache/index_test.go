package blockcache_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/fault"
	"github.com/tidelog/tide/cacheexp/prefetch"
)

// Bounds of waiting for an event that must come.
const (
	waitFor = 20 * time.Second
	tick    = time.Millisecond
)

// TestIndexOneGET: an index is one ranged GET of exactly its bytes, shared by
// all who ask, and none afterwards.
func TestIndexOneGET(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 2, 2, 4*kib)
		c := w.open(t, blockcache.Config{})
		w.fault.Set(fault.Rule{Op: objstore.OpGet, Hang: true})
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error)
		for i := range 10 {
			go func() {
				of := ctx
				if i > 0 {
					of = t.Context()
				}
				x, err := c.Index(of, w.objects[0].ref)
				if err == nil {
					require.Equal(t, w.objects[0].index, x)
				}
				errs <- err
			}()
		}
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-errs, context.Canceled)
		w.fault.Clear()
		for range 9 {
			require.NoError(t, <-errs)
		}
		_, err := c.Index(t.Context(), w.objects[0].ref)
		require.NoError(t, err)
		get := w.store.Stats(objstore.OpGet)
		require.EqualValues(t, 1, get.Requests)
		require.EqualValues(t, w.objects[0].ref.IndexLength, get.Bytes)
		s := c.Stats()
		require.EqualValues(t, []int64{10, 1, 1}, []int64{s.IndexHits, s.IndexMisses, s.IndexLoads})
	})
}

func TestIndexBound(t *testing.T) {
	w := newWorld(t, 4, 1, 10, 400)
	c := w.open(t, blockcache.Config{IndexSize: 1500}) // two indexes of ten entries
	for range 2 {
		for _, o := range []int{0, 1, 0, 2, 0, 3} {
			_, err := c.Index(t.Context(), w.objects[o].ref)
			require.NoError(t, err)
			require.LessOrEqual(t, c.Stats().IndexBytes, int64(1500))
		}
	}
	s := c.Stats()
	require.EqualValues(t, 7, s.IndexLoads, "0 stays, the others replace each other")
	require.EqualValues(t, 5, s.IndexEvictions)

	tiny := w.open(t, blockcache.Config{IndexSize: 100})
	for range 2 {
		x, err := tiny.Index(t.Context(), w.objects[0].ref)
		require.NoError(t, err)
		require.Equal(t, w.objects[0].index, x, "served though it cannot be kept")
	}
	require.EqualValues(t, 2, tiny.Stats().IndexLoads)
}

func TestIndexErrors(t *testing.T) {
	w := newWorld(t, 1, 1, 2, 400)
	c := w.open(t, blockcache.Config{})
	good := w.objects[0].ref
	for _, change := range []func(*blockcache.ObjectRef){
		func(r *blockcache.ObjectRef) { r.IndexLength = 0 },
		func(r *blockcache.ObjectRef) { r.IndexLength = -36 },
		func(r *blockcache.ObjectRef) { r.IndexLength = 37 },
		func(r *blockcache.ObjectRef) { r.IndexLength = 36 << 20 },
		func(r *blockcache.ObjectRef) { r.IndexPosition = -1 },
		func(r *blockcache.ObjectRef) { r.IndexPosition = 1<<63 - 1 },
		func(r *blockcache.ObjectRef) { r.Size = 0 },
	} {
		bad := good
		change(&bad)
		_, err := c.Index(t.Context(), bad)
		require.ErrorIs(t, err, blockcache.ErrRef)
	}
	require.Zero(t, w.gets())

	corrupt := good
	corrupt.IndexPosition -= 36
	_, err := c.Index(t.Context(), corrupt)
	require.ErrorIs(t, err, object.ErrCorrupt)
	w.fault.Set(fault.Rule{Op: objstore.OpGet, Count: 1, Err: fault.ErrInjected})
	_, err = c.Index(t.Context(), good)
	require.ErrorIs(t, err, fault.ErrInjected)
	x, err := c.Index(t.Context(), good)
	require.NoError(t, err, "errors are not cached")
	require.Len(t, x, 2)
}

// TestPrefetchSequential: a reader that walks a stream over several objects
// finds everything there from the third block on, and each block and each
// index is got once.
func TestPrefetchSequential(t *testing.T) {
	for name, shape := range map[string][2]int{"one block an object": {12, 1}, "four": {3, 4}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				objects, blocks := shape[0], shape[1]
				w := newWorld(t, objects, 2, blocks, 4*kib)
				ahead, err := prefetch.New("fixed:3")
				require.NoError(t, err)
				c := w.open(t, blockcache.Config{Prefetch: ahead})
				misses := []int64{}
				for o := range objects {
					_, err := c.Index(t.Context(), w.objects[o].ref)
					require.NoError(t, err)
					for n := range blocks { // stream 1's blocks come first
						r := w.request(o, n)
						r.Following = refs(w, o+1)
						b, err := c.Get(t.Context(), r)
						require.NoError(t, err)
						require.Equal(t, w.want(o, n), b.Bytes())
						b.Release()
						synctest.Wait() // what was begun ahead arrives before the next read
						misses = append(misses, c.Stats().Misses)
					}
				}
				s := c.Stats()
				require.LessOrEqual(t, s.Misses, int64(3), "%v", misses)
				require.EqualValues(t, 12, s.Loads+s.PrefetchedBlocks, "the blocks of stream 1 and none of stream 2")
				require.EqualValues(t, objects, s.IndexLoads)
				require.Equal(t, w.gets(), s.Loads+s.Prefetches+s.IndexLoads)
				require.Equal(t, s.PrefetchedBlocks, s.PrefetchUsed)
				require.Zero(t, s.Ahead)
				require.Zero(t, s.PrefetchLate+s.PrefetchDropped+s.PrefetchWasted)
			})
		})
	}
}

// TestPrefetchYields: there are never more prefetches in flight than allowed,
// none while readers queue, and a reader shares one that is on its way, or
// takes what is still queued out of the queue. What has no room is dropped.
func TestPrefetchYields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1, 16, 4*kib) // slots of 8 KiB
		c := w.open(t, blockcache.Config{MaxPrefetch: 2, MaxLoads: 2, MaxGet: 1, AheadSize: 5 * 8 * kib})
		w.fault.Set(fault.Rule{Op: objstore.OpGet, Hang: true})
		ref, x := w.objects[0].ref, w.objects[0].index
		c.Prefetch(ref, x[:7]...)
		c.Prefetch(ref, x[:2]...) // on their way already
		synctest.Wait()
		require.EqualValues(t, 2, w.gets())
		s := c.Stats()
		require.EqualValues(t, []int64{2, 2, 40 * kib}, []int64{s.Prefetching, s.PrefetchDropped, s.Ahead})

		done := make(chan error)
		read := func(n int) {
			b, err := c.Block(t.Context(), ref, x[n])
			if err == nil {
				b.Release()
			}
			done <- err
		}
		go read(0)
		go read(2)
		for n := range 3 {
			go read(8 + n)
		}
		synctest.Wait()
		require.EqualValues(t, 4, w.gets(), "two for readers, the others wait, block 0 is shared")
		s = c.Stats()
		require.EqualValues(t, []int64{1, 1}, []int64{s.PrefetchUsed, s.PrefetchLate})
		require.EqualValues(t, 24*kib, s.Ahead, "block 1, which nobody wants yet, and 3 and 4, which are queued")
		w.fault.Clear()
		for range 5 {
			require.NoError(t, <-done)
		}
		synctest.Wait()
		require.EqualValues(t, 8, w.gets(), "0 to 4 and 8 to 10, each once: 2 was loaded by its reader")
		w.read(t, c, 0, 4)
		require.EqualValues(t, 8, w.gets())
	})
}

// TestAdjacentBlocksAreOneGET: what was proposed together and lies side by side
// is got together, up to MaxGet; blocks that are there already are left out.
func TestAdjacentBlocksAreOneGET(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, 2, 10, 4*kib)
		size := int(w.objects[0].index[0].Size)
		c := w.open(t, blockcache.Config{MaxGet: 3 * size})
		w.read(t, c, 0, 4)
		x := w.objects[0].index
		c.Prefetch(w.objects[0].ref, append(append(object.Index{}, x[:8]...), x[9])...)
		c.Prefetch(w.objects[1].ref, w.objects[1].index[:2]...)
		synctest.Wait()
		s := c.Stats()
		require.EqualValues(t, 10, s.PrefetchedBlocks)
		require.EqualValues(t, 5, s.Prefetches, "0 1 2, 3, 5 6 7, 9 and 0 1 of the next object")
		get := w.store.Stats(objstore.OpGet)
		require.EqualValues(t, []int64{6, 11 * int64(size)}, []int64{get.Requests, get.Bytes}, "nothing is got twice or between the blocks")
		for _, n := range []int{0, 1, 2, 3, 4, 5, 6, 7, 9} {
			w.read(t, c, 0, n)
		}
		require.EqualValues(t, 6, w.gets())
	})
}

// TestClasses: GETs say whom they are for.
func TestClasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1, 4, 4*kib)
		seen := classes{Store: w.store, byClass: map[objstore.Class]int{}}
		c, err := blockcache.New(blockcache.Config{Store: &seen})
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Index(t.Context(), w.objects[0].ref)
		require.NoError(t, err)
		w.read(t, c, 0, 0)
		c.Prefetch(w.objects[0].ref, w.objects[0].index[1], w.objects[0].index[3])
		synctest.Wait()
		require.Equal(t, map[objstore.Class]int{objstore.ClassDemand: 2, objstore.ClassPrefetch: 2}, seen.byClass)
	})
}

// classes counts the GETs of each class.
type classes struct {
	objstore.Store
	mu      sync.Mutex
	byClass map[objstore.Class]int
}

func (s *classes) GetRange(ctx context.Context, key string, pos int64, p []byte) error {
	s.mu.Lock()
	s.byClass[objstore.ClassOf(ctx)]++
	s.mu.Unlock()
	return s.Store.GetRange(ctx, key, pos, p)
}

// TestBegin: who does not want to wait is told so, and finds what was begun for
// it later.
func TestBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1, 2, 4*kib)
		c := w.open(t, blockcache.Config{})
		w.fault.Set(fault.Rule{Op: objstore.OpGet, Hang: true})
		r := w.request(0, 0)
		r.Begin = true
		for range 3 {
			_, err := c.TryIndex(r.Object)
			require.ErrorIs(t, err, blockcache.ErrLoading)
			_, err = c.Get(t.Context(), r)
			require.ErrorIs(t, err, blockcache.ErrLoading)
		}
		synctest.Wait()
		require.EqualValues(t, 2, w.gets())
		w.fault.Clear()
		synctest.Wait()
		x, err := c.TryIndex(r.Object)
		require.NoError(t, err)
		require.Equal(t, w.objects[0].index, x)
		b, err := c.Get(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, w.want(0, 0), b.Bytes())
		b.Release()
		require.EqualValues(t, 2, w.gets())
		require.Zero(t, c.Stats().PinWaits)
	})
}

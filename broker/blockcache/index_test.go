package blockcache_test

import (
	"context"
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
				require.EqualValues(t, 12, s.Loads+s.Prefetches, "the blocks of stream 1 and none of stream 2")
				require.EqualValues(t, objects, s.IndexLoads)
				require.Equal(t, w.gets(), s.Loads+s.Prefetches+s.IndexLoads)
				require.Equal(t, s.Prefetches, s.PrefetchUsed)
				require.Zero(t, s.PrefetchLate+s.PrefetchDropped+s.PrefetchWasted)
			})
		})
	}
}

// TestPrefetchYields: there are never more prefetches in flight than allowed,
// none while readers queue, and a reader shares one that is on its way.
func TestPrefetchYields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1, 12, 4*kib)
		c := w.open(t, blockcache.Config{MaxPrefetch: 2, MaxLoads: 2})
		w.fault.Set(fault.Rule{Op: objstore.OpGet, Hang: true})
		ref, x := w.objects[0].ref, w.objects[0].index
		c.Prefetch(ref, x[:5]...)
		c.Prefetch(ref, x[:2]...) // on their way already
		synctest.Wait()
		require.EqualValues(t, 2, w.gets())
		require.EqualValues(t, 3, c.Stats().PrefetchDropped)

		done := make(chan error)
		read := func(n int) {
			b, err := c.Block(t.Context(), ref, x[n])
			if err == nil {
				b.Release()
			}
			done <- err
		}
		go read(0)
		for n := range 3 {
			go read(6 + n)
		}
		synctest.Wait()
		require.EqualValues(t, 4, w.gets(), "two for readers, the third waits, block 0 is shared")
		s := c.Stats()
		require.EqualValues(t, []int64{1, 1}, []int64{s.PrefetchUsed, s.PrefetchLate})
		w.fault.Clear()
		for range 4 {
			require.NoError(t, <-done)
		}
		synctest.Wait()
		c.Prefetch(ref, x[5])
		synctest.Wait()
		w.read(t, c, 0, 5)
		require.EqualValues(t, 6, w.gets())
	})
}

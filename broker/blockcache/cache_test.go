package blockcache_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/fault"
	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/prefetch"
)

const kib = 1 << 10

// TestOneGET: however many readers want a block that is not there, it is got
// once; those that give up leave it to the others.
func TestOneGET(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1, 2, 4*kib)
		c := w.open(t, blockcache.Config{})
		w.fault.Set(fault.Rule{Op: objstore.OpGet, Hang: true})

		ctx, cancel := context.WithCancel(t.Context())
		quitters, readers := make(chan error), make(chan error)
		for i := range 20 {
			go func() {
				if i%2 == 0 {
					_, err := c.Get(ctx, w.request(0, 0))
					quitters <- err
					return
				}
				b, err := c.Get(t.Context(), w.request(0, 0))
				if err == nil {
					require.Equal(t, w.want(0, 0), b.Bytes())
					b.Release()
				}
				readers <- err
			}()
		}
		synctest.Wait()
		require.EqualValues(t, 1, w.gets())
		cancel()
		for range 10 {
			require.ErrorIs(t, <-quitters, context.Canceled)
		}
		w.fault.Clear()
		for range 10 {
			require.NoError(t, <-readers)
		}
		w.read(t, c, 0, 0)
		require.EqualValues(t, 1, w.gets())
		s := c.Stats()
		require.EqualValues(t, []int64{20, 1, 1}, []int64{s.Hits, s.Misses, s.Loads})
	})
}

// TestAbandonedLoad: when everybody has given up the load still fills the
// cache.
func TestAbandonedLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1, 1, 4*kib)
		c := w.open(t, blockcache.Config{})
		w.fault.Set(fault.Rule{Op: objstore.OpGet, Hang: true})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			synctest.Wait()
			cancel()
		}()
		_, err := c.Get(ctx, w.request(0, 0))
		require.ErrorIs(t, err, context.Canceled)
		w.fault.Clear()
		synctest.Wait()
		w.read(t, c, 0, 0)
		require.EqualValues(t, 1, w.gets())
	})
}

func TestErrorsAreNotCached(t *testing.T) {
	w := newWorld(t, 1, 1, 1, 4*kib)
	c := w.open(t, blockcache.Config{})
	w.fault.Set(fault.Rule{Op: objstore.OpGet, Count: 1, Err: fault.ErrInjected})
	_, err := c.Get(t.Context(), w.request(0, 0))
	require.ErrorIs(t, err, fault.ErrInjected)

	wrong := w.request(0, 0)
	wrong.Entry.BatchCount++
	_, err = c.Get(t.Context(), wrong)
	require.ErrorIs(t, err, object.ErrCorrupt)
	require.ErrorContains(t, err, "want 2 batches as in the index, found 1")

	gone := w.request(0, 0)
	gone.Object.ID, gone.Object.Key = 77, object.Key("test", 77)
	for range 2 {
		_, err = c.Get(t.Context(), gone)
		require.ErrorIs(t, err, objstore.ErrNotFound)
		require.ErrorContains(t, err, "object 77")
	}
	w.read(t, c, 0, 0)
	s := c.Stats()
	require.EqualValues(t, 3, s.LoadErrors)
	require.EqualValues(t, 1, s.Corrupt)
	require.EqualValues(t, 1, s.Blocks)
	require.Equal(t, s.Resident, s.InUse)
}

// TestLoadTimeout: a store that hangs holds nobody for ever.
func TestLoadTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1, 1, 4*kib)
		c := w.open(t, blockcache.Config{LoadTimeout: time.Minute})
		w.fault.Set(fault.Rule{Op: objstore.OpGet, Hang: true})
		start := time.Now()
		_, err := c.Get(t.Context(), w.request(0, 0))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(start))
		require.Zero(t, c.Stats().InUse)
	})
}

func TestBadRequests(t *testing.T) {
	w := newWorld(t, 1, 1, 1, 4*kib)
	c := w.open(t, blockcache.Config{Size: 64 * kib, PinnedSize: 8 * kib})
	for _, change := range []func(*blockcache.Request){
		func(r *blockcache.Request) { r.Entry.Position = -1 },
		func(r *blockcache.Request) { r.Entry.Size = 0 },
		func(r *blockcache.Request) { r.Entry.Size = -5 },
		func(r *blockcache.Request) { r.Entry.Position = r.Object.Size },
		func(r *blockcache.Request) { r.Entry.Size = int32(r.Object.Size) + 1 },
	} {
		r := w.request(0, 0)
		change(&r)
		_, err := c.Get(t.Context(), r)
		require.ErrorIs(t, err, blockcache.ErrRef)
	}
	require.Zero(t, w.gets(), "nothing of this reaches the store")

	_, err := blockcache.New(blockcache.Config{Size: 5, MaxLoads: -1})
	for _, fault := range []string{"no store", "size of 5", "-1 loads"} {
		require.ErrorContains(t, err, fault, "all faults at once")
	}
}

// TestBlockLargerThanTheCache: it is read all the same, into memory of its own.
func TestBlockLargerThanTheCache(t *testing.T) {
	w := newWorld(t, 1, 1, 2, 200*kib)
	c := w.open(t, blockcache.Config{Size: 64 * kib, PinnedSize: 8 * kib})
	for range 2 {
		b, err := c.Get(t.Context(), w.request(0, 0))
		require.NoError(t, err)
		require.Len(t, b.Bytes(), int(w.request(0, 0).Entry.Size))
		b.Release()
	}
	require.EqualValues(t, 2, w.gets())
	require.EqualValues(t, 2, c.Stats().Uncached)
	held, err := c.Get(t.Context(), w.request(0, 0))
	require.NoError(t, err)
	short, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Get(short, w.request(0, 1))
	require.ErrorIs(t, err, context.Canceled, "one at a time")
	held.Release()
}

// TestEvictionAndPins: an evicted block stays readable while it is pinned and
// comes back without a GET; when pins fill everything readers wait or are
// refused, and go on after a Release.
func TestEvictionAndPins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1, 10, 16*kib-64) // slots of 16 KiB
		c := w.open(t, blockcache.Config{Size: 64 * kib, PinnedSize: 32 * kib})
		var held []*blockcache.Block
		for n := range 6 {
			b, err := c.Get(t.Context(), w.request(0, n))
			require.NoError(t, err)
			held = append(held, b)
		}
		s := c.Stats()
		require.EqualValues(t, []int64{64 * kib, 96 * kib, 2}, []int64{s.Resident, s.InUse, s.Evictions})
		for n, b := range held {
			require.True(t, bytes.Equal(w.want(0, n), b.Bytes()), "block %d, evicted or not", n)
		}

		refused := w.request(0, 6)
		refused.NoWait = true
		_, err := c.Get(t.Context(), refused)
		require.ErrorIs(t, err, blockcache.ErrBusy)
		require.EqualValues(t, 2, c.Stats().Evictions, "what would not help is not evicted")

		w.read(t, c, 0, 0) // evicted, but held: no GET
		require.EqualValues(t, 6, w.gets())
		require.EqualValues(t, 1, c.Stats().Rescues)

		ctx, cancel := context.WithCancel(t.Context())
		gaveUp, served := make(chan error), make(chan error)
		go func() {
			_, err := c.Get(ctx, w.request(0, 7))
			gaveUp <- err
		}()
		go func() {
			b, err := c.Get(t.Context(), w.request(0, 6))
			if err == nil {
				b.Release()
			}
			served <- err
		}()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-gaveUp, context.Canceled)
		require.EqualValues(t, 2, c.Stats().PinWaits)
		held[3].Release()
		require.NoError(t, <-served)
		for i, b := range held {
			if i != 3 {
				b.Release()
			}
		}
		s = c.Stats()
		require.Equal(t, s.Resident, s.InUse)
		require.LessOrEqual(t, s.InUse, int64(64*kib))
		require.EqualValues(t, 1, s.Busy)
	})
}

// TestBound: with blocks of all sizes, many readers and prefetching, memory
// never exceeds its bound, bytes are always right, and nothing is left pinned.
func TestBound(t *testing.T) {
	w := newWorld(t, 4, 3, 6, 4*kib)
	for i, payload := range []int{400, 30 * kib, 90 * kib, 60 * kib} { // objects 4 … 7
		sub := newWorld(t, 5+i, 2, 3, payload)
		o := sub.objects[4+i]
		require.NoError(t, w.store.Put(t.Context(), o.ref.Key, objstore.Body{o.bytes}))
		w.objects = append(w.objects, o)
	}
	const size, pinned = 256 * kib, 128 * kib
	for _, spec := range []string{"fixed:2", "automq:2024"} {
		t.Run(spec, func(t *testing.T) { w.bound(t, size, pinned, spec) })
	}
}

func (w *world) bound(t *testing.T, size, pinned int64, spec string) {
	ahead, err := prefetch.New(spec)
	require.NoError(t, err)
	c := w.open(t, blockcache.Config{Size: size, PinnedSize: pinned, Prefetch: ahead})
	gets := w.gets()
	for _, o := range w.objects {
		_, err := c.Index(t.Context(), o.ref)
		require.NoError(t, err)
	}
	var wg sync.WaitGroup
	for seed := range uint64(8) {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, 1))
			for range 400 {
				o := rnd.IntN(len(w.objects))
				n := rnd.IntN(len(w.objects[o].index))
				for ; n < len(w.objects[o].index) && rnd.IntN(4) > 0; n++ {
					w.readAs(t, c, seed, o, n, rnd.IntN(2) == 0)
				}
				s := c.Stats()
				if s.InUse > size+pinned || s.Mapped > size+pinned || s.Resident > size || s.Lent > size/4 || s.Ahead > size/2 {
					t.Errorf("in use %d, mapped %d, resident %d, lent %d, ahead %d", s.InUse, s.Mapped, s.Resident, s.Lent, s.Ahead)
				}
			}
		})
	}
	wg.Wait()
	require.Eventually(t, func() bool { s := c.Stats(); return s.Prefetching == 0 && s.InUse == s.Resident }, waitFor, tick)
	s := c.Stats()
	require.Positive(t, s.Evictions)
	require.Zero(t, s.Lent)
	require.Equal(t, w.gets()-gets, s.Loads+s.Prefetches+s.IndexLoads, "one GET for each load")
}

// readAs reads a block to its end as one of several readers, lent if it can be.
func (w *world) readAs(t *testing.T, c *blockcache.Cache, reader uint64, o, n int, lend bool) {
	r := w.request(o, n)
	r.Reader = reader
	b, err := c.Get(t.Context(), r)
	if err != nil {
		t.Error(err)
		return
	}
	end := b.Release
	if lend && b.Lend() {
		end = b.Return
	}
	if !bytes.Equal(w.want(o, n), b.Bytes()) {
		t.Errorf("object %d, block %d", o, n)
	}
	b.Finish()
	end()
}

// TestPoliciesAnswerAlike: policy and prefetcher change the GETs, never the
// bytes.
func TestPoliciesAnswerAlike(t *testing.T) {
	for _, name := range policy.Names() {
		for _, spec := range prefetch.Names() {
			t.Run(name+"/"+spec, func(t *testing.T) {
				w := newWorld(t, 3, 2, 5, 16*kib-64)
				ahead, err := prefetch.New(spec)
				require.NoError(t, err)
				newPolicy, err := policy.Lookup(name)
				require.NoError(t, err)
				c := w.open(t, blockcache.Config{Size: 96 * kib, Policy: newPolicy, Prefetch: ahead})
				rnd := rand.New(rand.NewPCG(1, 2))
				for range 300 {
					o := rnd.IntN(3)
					_, err := c.Index(t.Context(), w.objects[o].ref)
					require.NoError(t, err)
					w.read(t, c, o, rnd.IntN(10))
				}
			})
		}
	}
}

// TestClose: loads end, readers that wait get an error, a block that is held
// stays readable until its Release.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1, 3, 4*kib)
		c := w.open(t, blockcache.Config{})
		held, err := c.Get(t.Context(), w.request(0, 0))
		require.NoError(t, err)
		w.read(t, c, 0, 1)
		w.fault.Set(fault.Rule{Op: objstore.OpGet, Hang: true})
		waiting := make(chan error)
		go func() {
			_, err := c.Get(t.Context(), w.request(0, 2))
			waiting <- err
		}()
		synctest.Wait()
		c.Close()
		require.Error(t, <-waiting)
		_, err = c.Get(t.Context(), w.request(0, 0))
		require.ErrorIs(t, err, blockcache.ErrClosed)
		_, err = c.Index(t.Context(), w.objects[0].ref)
		require.ErrorIs(t, err, blockcache.ErrClosed)
		require.Equal(t, w.want(0, 0), held.Bytes())
		held.Release()
		require.Zero(t, c.Stats().Mapped)
		c.Close()
	})
}

func TestReleaseTwice(t *testing.T) {
	w := newWorld(t, 1, 1, 1, 4*kib)
	c := w.open(t, blockcache.Config{})
	b, err := c.Get(t.Context(), w.request(0, 0))
	require.NoError(t, err)
	b.Release()
	require.PanicsWithValue(t, "blockcache: release of a block that is not pinned (object 0, position 0)", b.Release)
}

func TestHitAllocatesNothing(t *testing.T) {
	w := newWorld(t, 1, 1, 2, 4*kib)
	ahead, err := prefetch.New("fixed")
	require.NoError(t, err)
	c := w.open(t, blockcache.Config{Prefetch: ahead})
	ctx, r := t.Context(), w.request(0, 1)
	w.read(t, c, 0, 1)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		b, err := c.Get(ctx, r)
		if err != nil {
			t.Error(err)
		}
		b.Release()
	}))
}

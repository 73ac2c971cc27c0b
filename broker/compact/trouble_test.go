package compact

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/fault"
)

// slow is a store whose puts take their time, while the cleaner goes on.
type slow struct {
	objstore.Store
	put func()
}

func (s slow) Put(ctx context.Context, key string, b objstore.Body) error {
	defer s.put()
	return s.Store.Put(ctx, key, b)
}

// TestSlowMerge: a merge of many outputs takes longer than an id stays valid,
// because the rate is low or the store is slow. Each must be committed in time.
func TestSlowMerge(t *testing.T) {
	w := newWorld(t, 8)
	for range 30 {
		w.upload(every(w, 10), 100, 1<<30) // 8 × 30 kB: an object of its own for each
	}
	cleaner := NewCleaner(CleanerConfig{Store: w.store, Meta: w, Clock: w.cfg.Clock, Logger: quiet})
	w.cfg.Store = slow{w.store, func() {
		w.now = w.now.Add(10 * time.Minute)
		require.NoError(t, cleaner.Round(ctx))
	}}
	c := w.compactor()
	require.NoError(t, c.Round(ctx, true))
	require.EqualValues(t, 8, c.Stats().ObjectsOut)
	require.Len(t, w.Objects(meta.Committed), 8)
	w.check()
}

// TestFailureKeepsWhatIsDone: a merge that fails near its end has not been for
// nothing.
func TestFailureKeepsWhatIsDone(t *testing.T) {
	w := newWorld(t, 8)
	for range 30 {
		w.upload(every(w, 10), 100, 1<<30)
	}
	f := fault.Wrap(w.store)
	w.cfg.Store = f
	f.Set(fault.Rule{Op: objstore.OpPut, From: 6, Err: objstore.ErrClosed})
	c := w.compactor()
	require.ErrorIs(t, c.Round(ctx, true), objstore.ErrClosed)
	require.EqualValues(t, 5, c.Stats().ObjectsOut)
	w.check()
	f.Clear()
	require.NoError(t, c.Round(ctx, true))
	require.EqualValues(t, 8, c.Stats().ObjectsOut)
	w.check()
}

// TestWhatCannotBeReadIsLeftAlone: an object that is not there, one that is too
// short and one whose index and ranges contradict each other hold nobody up,
// and nobody comes back to them.
func TestWhatCannotBeReadIsLeftAlone(t *testing.T) {
	for name, spoil := range map[string]func(*world, meta.Object){
		"missing": func(w *world, o meta.Object) { require.NoError(w.t, w.store.Delete(ctx, o.Key)) },
		"short":   func(w *world, o meta.Object) { w.replace(o, func(b []byte) []byte { return b[:len(b)/2] }) },
		"crossing": func(w *world, o meta.Object) {
			w.replace(o, func(b []byte) []byte {
				b[o.IndexPosition+19]++ // endOffsetDelta of the first entry
				return b
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2)
			for range 4 {
				w.upload(every(w, 10), 100, 8<<10)
			}
			bad := w.Objects(meta.Committed)[2]
			spoil(w, bad)
			c := w.compactor()
			require.Error(t, c.Round(ctx, true))
			require.NoError(t, c.Round(ctx, true))
			require.EqualValues(t, 1, c.Stats().Corrupt)
			require.Len(t, w.Objects(meta.Committed), 2, "it, and what came of the others")
			still, _ := w.Object(bad.ID)
			require.Equal(t, meta.Committed, still.State)
		})
	}
}

// replace puts other bytes in the place of an object's.
func (w *world) replace(o meta.Object, change func([]byte) []byte) {
	b := make([]byte, o.Size)
	require.NoError(w.t, w.store.GetRange(ctx, o.Key, 0, b))
	require.NoError(w.t, w.store.Delete(ctx, o.Key))
	require.NoError(w.t, w.store.Put(ctx, object.Key("DEFAULT", o.ID), objstore.Body{change(b)}))
}

// TestLateOverlap: sets that many streams share are found behind any number of
// others of their tier that overlap with nothing.
func TestLateOverlap(t *testing.T) {
	const a, perSet = maxSources, 32
	w := newWorld(t, (a+1)*perSet, func(c *Config) { c.Target = 4 << 10 })
	for i := range a + overlap { // every set is of the target's size
		m := make(map[int64]int)
		for _, s := range w.streams[min(i, a)*perSet:][:perSet] {
			m[s] = 1
		}
		w.upload(m, 128, 1<<30)
	}
	c := w.compactor()
	require.NoError(t, c.Round(ctx, false))
	require.EqualValues(t, overlap, c.Stats().ObjectsIn)
	w.check()
	jobs := c.Stats().Jobs
	require.NoError(t, c.Round(ctx, false))
	require.Equal(t, jobs, c.Stats().Jobs)
}

package compact

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/fault"
)

func every(w *world, batches int) map[int64]int {
	m := make(map[int64]int)
	for _, s := range w.streams {
		m[s] = batches
	}
	return m
}

// TestSetsBecomeStreams: shares that are large together get objects of their
// own, the rest shares one; sources are destroyed, and everything is readable.
func TestSetsBecomeStreams(t *testing.T) {
	w := newWorld(t, 20)
	for range 30 {
		m := every(w, 1)
		m[w.streams[3]] = 40 // 30 × 4000 bytes: more than a target of 64 KiB
		w.upload(m, 100, 8<<10)
	}
	c := w.compactor()
	require.NoError(t, c.Round(ctx, false))
	require.Zero(t, c.Stats().Jobs, "nothing is old, and there is not enough of it")
	w.check()

	require.NoError(t, c.Round(ctx, true))
	w.check()
	live := w.Objects(meta.Committed)
	kinds := map[meta.ObjectKind]int{}
	for _, o := range live {
		kinds[o.Kind]++
	}
	require.Equal(t, map[meta.ObjectKind]int{meta.KindStream: 2, meta.KindStreamSet: 1}, kinds, "%+v", live)
	require.Len(t, w.Objects(meta.Destroyed), 30)
	require.EqualValues(t, 30, c.Stats().ObjectsIn)
	require.NoError(t, c.Round(ctx, true))
	require.Len(t, w.Objects(meta.Committed), len(live), "nothing is left to do")
}

// TestStreamsReachTheTarget: the objects of one stream are merged as they reach
// the target, and what is left of them once it is old.
func TestStreamsReachTheTarget(t *testing.T) {
	w := newWorld(t, 1)
	c := w.compactor()
	for range 10 {
		w.upload(every(w, 200), 100, 8<<10) // 20 kB each
		require.NoError(t, c.Round(ctx, false))
	}
	w.check()
	s := w.Streams()[0]
	sizes := []int64{}
	for _, o := range w.Objects(meta.Committed) {
		sizes = append(sizes, o.Bytes)
	}
	require.ElementsMatch(t, []int64{80_000, 80_000, 20_000, 20_000}, sizes)
	require.EqualValues(t, 16, w.cfg.Target/w.cfg.doneShare())
	for _, r := range s.Ranges {
		require.LessOrEqual(t, r.Bytes, max(20_000, w.cfg.rangeBytes()), "the index by time stays finer than the objects")
	}
	w.now = w.now.Add(time.Hour)
	require.NoError(t, c.Round(ctx, false))
	require.Len(t, w.Objects(meta.Committed), 3)
	w.check()
}

// TestLargeAndSmallUploads: a stream whose uploads are now objects of their own
// and now shares of sets does not stay in pieces.
func TestLargeAndSmallUploads(t *testing.T) {
	w := newWorld(t, 3)
	c := w.compactor()
	for i := range 40 {
		m := every(w, 1)
		m[w.streams[1]] = 30 + 20*(i%2) // 3 or 5 kB with a split at 4
		w.upload(m, 100, 4<<10)
		require.NoError(t, c.Round(ctx, false))
	}
	require.NoError(t, c.Round(ctx, true))
	w.check()
	var own int64
	for _, o := range w.Objects(meta.Committed) {
		if o.Kind == meta.KindStream {
			own++
		}
	}
	require.LessOrEqual(t, own, int64(40*4000)/w.cfg.Target+1)
	require.LessOrEqual(t, len(w.Objects(meta.Committed)), int(own)+1)
}

// TestDeadShare: a set of which most is deleted is written again without it.
func TestDeadShare(t *testing.T) {
	w := newWorld(t, 4)
	w.upload(every(w, 100), 100, 1<<30)
	for _, s := range w.streams[:3] {
		w.must(meta.TrimStream{StreamID: s, NodeID: 1, NodeEpoch: 1, Start: w.next[s]})
	}
	before := w.Objects(meta.Committed)[0].Size
	require.NoError(t, w.compactor().Round(ctx, false))
	w.check()
	live := w.Objects(meta.Committed)
	require.Len(t, live, 1)
	require.Less(t, live[0].Size, before/3)
	require.Len(t, w.Objects(meta.Destroyed), 1)
}

// TestTrimmedHeadStaysBehind: blocks wholly below the start are not copied.
func TestTrimmedHeadStaysBehind(t *testing.T) {
	w := newWorld(t, 1)
	w.upload(every(w, 200), 100, 8<<10)
	w.upload(every(w, 200), 100, 8<<10)
	s := w.streams[0]
	w.must(meta.TrimStream{StreamID: s, NodeID: 1, NodeEpoch: 1, Start: 903})
	require.NoError(t, w.compactor().Round(ctx, true))
	w.check()
	require.Less(t, w.Objects(meta.Committed)[0].Size, int64(35<<10), "180 of 400 batches are dead")
	require.EqualValues(t, 903, w.Streams()[0].Start)
}

// TestRefusedCommitChangesNothing: what was written for it expires.
func TestRefusedCommitChangesNothing(t *testing.T) {
	w := newWorld(t, 2)
	for range 3 {
		w.upload(every(w, 10), 100, 8<<10)
	}
	w.refuse = meta.ErrSourceGone
	c := w.compactor()
	require.ErrorIs(t, c.Round(ctx, true), meta.ErrSourceGone)
	require.Len(t, w.Objects(meta.Committed), 3)
	require.Len(t, w.Objects(meta.Prepared), 1)
	w.check()
	require.NoError(t, c.Round(ctx, true))
	require.Len(t, w.Objects(meta.Committed), 1)
	w.check()
	require.EqualValues(t, 1, c.Stats().Refused)

	cleaner := NewCleaner(CleanerConfig{Store: w.store, Meta: w, Clock: w.cfg.Clock, Logger: quiet})
	for range 2 {
		w.now = w.now.Add(time.Hour)
		require.NoError(t, cleaner.Round(ctx))
	}
	keys := 0
	require.NoError(t, w.store.List(ctx, "", func(objstore.Info) error { keys++; return nil }))
	require.Equal(t, 1, keys, "sources and the expired output are gone from the store")
	w.check()
}

// TestExpiredOutputLeavesNothingBehind: the cleaner may have looked for its
// bytes before they came, and will not look again.
func TestExpiredOutputLeavesNothingBehind(t *testing.T) {
	w := newWorld(t, 2)
	for range 3 {
		w.upload(every(w, 10), 100, 8<<10)
	}
	w.refuse = meta.ErrObjectNotPrepared
	require.ErrorIs(t, w.compactor().Round(ctx, true), meta.ErrObjectNotPrepared)
	keys := 0
	require.NoError(t, w.store.List(ctx, "", func(objstore.Info) error { keys++; return nil }))
	require.Equal(t, 3, keys)
	w.check()
}

// TestDamageIsNotCopied: an object with a wrong byte is left to be found, and
// does not keep the others from being merged.
func TestDamageIsNotCopied(t *testing.T) {
	w := newWorld(t, 2)
	f := fault.Wrap(w.store)
	w.cfg.Store = f
	for range 4 {
		w.upload(every(w, 10), 100, 8<<10)
	}
	bad := w.Objects(meta.Committed)[2]
	f.Set(fault.Rule{Op: objstore.OpGet, Match: func(key string) bool { return key == bad.Key }, Flip: true})
	c := w.compactor()
	require.ErrorIs(t, c.Round(ctx, true), object.ErrCorrupt)
	f.Clear()
	require.NoError(t, c.Round(ctx, true))
	require.EqualValues(t, 1, c.Stats().Corrupt)
	still, _ := w.Object(bad.ID)
	require.Equal(t, meta.Committed, still.State)
	require.Len(t, w.Objects(meta.Committed), 2)
	w.check()
}

// TestCrashAnywhere: the process ends at any request to the store or command to
// the metadata, and the next one finishes the work.
func TestCrashAnywhere(t *testing.T) {
	for at := 1; ; at++ {
		w := newWorld(t, 5)
		for range 6 {
			m := every(w, 4)
			m[w.streams[2]] = 40
			w.upload(m, 100, 100<<10)
		}
		d := &doomed{world: w, left: at}
		cfg := w.cfg
		cfg.Store, cfg.Meta = dyingStore{w.store, d}, d
		c, err := New(cfg)
		require.NoError(t, err)
		err = c.Round(ctx, true)
		w.check()
		if err == nil {
			require.Greater(t, at, 10)
			return
		}
		require.ErrorIs(t, err, errDead)
		require.NoError(t, w.compactor().Round(ctx, true))
		w.check()
		require.LessOrEqual(t, len(w.Objects(meta.Committed)), 2, "crash at %d", at)
	}
}

var errDead = errors.New("the process is dead")

// doomed dies at its left-th call, after the call was carried out when left is even.
type doomed struct {
	*world
	left int
}

func (d *doomed) step(call func() error) error {
	d.left--
	switch {
	case d.left < 0 || d.left == 0 && d.world.index%2 == 0:
		return errors.Join(errDead, meta.ErrFencedEpoch)
	case d.left == 0:
		return errors.Join(call(), errDead, meta.ErrFencedEpoch)
	}
	return call()
}

func (d *doomed) Propose(ctx context.Context, cmd meta.Command) (res meta.Result, err error) {
	err = d.step(func() error { res, err = d.world.Propose(ctx, cmd); return err })
	return res, err
}

type dyingStore struct {
	objstore.Store
	d *doomed
}

func (s dyingStore) GetRange(ctx context.Context, key string, pos int64, p []byte) error {
	return s.d.step(func() error { return s.Store.GetRange(ctx, key, pos, p) })
}

func (s dyingStore) Put(ctx context.Context, key string, b objstore.Body) error {
	return s.d.step(func() error { return s.Store.Put(ctx, key, b) })
}

// TestModel: uploads of all shapes, trims, deletions of topics and rounds at
// any time leave every offset where it can be read.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rapid.IntRange(1, 12).Draw(rt, "streams"), func(c *Config) { c.Target = 8 << 10; c.GroupBytes = 1 << 10; c.Window = 512 })
		c := w.compactor()
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 40).Draw(rt, "minutes")) * time.Minute)
			switch rapid.IntRange(0, 6).Draw(rt, "step") {
			case 0, 1, 2, 3:
				m := make(map[int64]int)
				for _, s := range w.streams {
					m[s] = rapid.SampledFrom([]int{0, 1, 2, 5, 30}).Draw(rt, "batches")
				}
				w.upload(m, rapid.SampledFrom([]int{16, 100, 700}).Draw(rt, "size"), 2<<10)
			case 4:
				s := rapid.SampledFrom(w.streams).Draw(rt, "stream")
				w.must(meta.TrimStream{StreamID: s, NodeID: 1, NodeEpoch: 1, Start: rapid.Int64Range(0, w.next[s]).Draw(rt, "trim")})
			default:
				require.NoError(rt, c.Round(ctx, rapid.Bool().Draw(rt, "force")))
			}
			w.check()
		}
	})
}

func TestRefusesImpossibleConfig(t *testing.T) {
	_, err := New(Config{Rate: -1, Target: 1, GroupBytes: 2 << 20, Window: -1})
	for _, want := range []string{"a store and metadata", "rate of -1", "target of 1", "groups of 2097152", "window of -1"} {
		require.ErrorContains(t, err, want)
	}
}

// TestSetOfTwoOwners: each owner takes its own streams out of a common set; what
// belongs to the other stays where it is and keeps the source alive.
func TestSetOfTwoOwners(t *testing.T) {
	w := newWorld(t, 4)
	for range 3 {
		w.upload(every(w, 10), 100, 8<<10)
	}
	w.must(meta.RegisterNode{NodeID: 2, Advertise: "h:2"})
	w.must(meta.WALOpened{NodeID: 2, Epoch: 2})
	moved := w.streams[1]
	w.must(meta.CloseStream{StreamID: moved, NodeID: 1, NodeEpoch: 1, StreamEpoch: 1})
	w.must(meta.OpenStream{StreamID: moved, NodeID: 2, NodeEpoch: 2, StreamEpoch: 2})

	one := w.compactor()
	require.NoError(t, one.Round(ctx, true))
	w.check()
	require.Len(t, w.Objects(meta.Committed), 4, "three sources for the other's sake, and what came of them")
	before := one.Stats().Jobs
	require.NoError(t, one.Round(ctx, true))
	require.Equal(t, before, one.Stats().Jobs)

	w.cfg.NodeID, w.cfg.NodeEpoch = 2, 2
	require.NoError(t, w.compactor().Round(ctx, false), "most of each source is dead: no need to wait for their age")
	w.check()
	require.Len(t, w.Objects(meta.Committed), 2)
	require.Len(t, w.Objects(meta.Destroyed), 3)
}

// hanging never answers a GET.
type hanging struct {
	objstore.Store
	asked chan struct{}
}

func (s hanging) GetRange(ctx context.Context, _ string, _ int64, _ []byte) error {
	s.asked <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

// TestClose ends the round that runs, whoever asked for it.
func TestClose(t *testing.T) {
	w := newWorld(t, 1)
	for range 3 {
		w.upload(every(w, 10), 100, 8<<10)
	}
	h := hanging{w.store, make(chan struct{}, 1)}
	w.cfg.Store = h
	c := w.compactor()
	ended := make(chan error, 1)
	go func() { ended <- c.Round(ctx, true) }()
	<-h.asked
	require.NoError(t, c.Close(ctx))
	require.ErrorIs(t, <-ended, context.Canceled)
	require.ErrorIs(t, c.Round(ctx, true), context.Canceled, "and so does every later one")
}

// TestRun merges at its interval and goes on after an error.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, func(c *Config) { c.Every = time.Minute })
		for range 3 {
			w.upload(every(w, 10), 100, 8<<10)
		}
		w.now = w.now.Add(time.Hour)
		w.refuse = meta.ErrSourceGone
		c := w.compactor()
		rctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(rctx) }()
		time.Sleep(90 * time.Second) // the bubble's clock
		synctest.Wait()
		require.EqualValues(t, 1, c.Stats().Failed)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.EqualValues(t, 1, c.Stats().ObjectsOut)
		stop()
		require.NoError(t, <-ended)
	})
}

package compact

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/objstore"
)

// meddling is a store during whose requests the world goes on.
type meddling struct {
	objstore.Store
	meddle func()
}

func (s meddling) Put(ctx context.Context, key string, b objstore.Body) error {
	s.meddle()
	defer s.meddle()
	return s.Store.Put(ctx, key, b)
}

func (s meddling) GetRange(ctx context.Context, key string, pos int64, p []byte) error {
	s.meddle()
	return s.Store.GetRange(ctx, key, pos, p)
}

// TestMergesAmongEverything: between any two requests of a merge there may be
// an upload, a trim, a deletion of a topic, a reopening, a stream that goes to
// another node, a round of the cleaner. A merge may fail then; no offset is
// lost or found twice, and once it is quiet all that is small is merged.
func TestMergesAmongEverything(t *testing.T) {
	merged := int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rapid.IntRange(2, 6).Draw(rt, "streams"), func(c *Config) { c.Target = 8 << 10; c.GroupBytes = 1 << 10; c.Window = 512 })
		w.must(meta.RegisterNode{NodeID: 2, Advertise: "h:2"})
		w.must(meta.WALOpened{NodeID: 2, Epoch: 2})
		for i := range byte(2) {
			res := w.must(meta.CreateTopic{Name: "u" + string('0'+i), ID: meta.TopicID{2 + i}, Partitions: 2, Replication: 1})
			for _, p := range res.Topic.Partitions {
				w.streams = append(w.streams, p.StreamID)
				w.must(meta.OpenStream{StreamID: p.StreamID, NodeID: 1, NodeEpoch: 1, StreamEpoch: 1})
			}
		}
		cleaner := NewCleaner(CleanerConfig{Store: w.store, Meta: w, Clock: w.cfg.Clock, Logger: quiet})
		calm := false
		w.cfg.Store = meddling{w.store, func() {
			if !calm && rapid.IntRange(0, 5).Draw(rt, "meddle") == 0 {
				w.meddle(rt, cleaner)
			}
		}}
		c := w.compactor()
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			w.uploadAny(rt)
			if rapid.IntRange(0, 2).Draw(rt, "round") == 0 {
				_ = c.Round(ctx, true)
				w.check()
			}
		}
		calm = true
		for range 5 { // as many rounds as it takes, but not for ever
			require.NoError(rt, c.Round(ctx, true))
		}
		w.check()
		require.Zero(rt, c.Stats().Corrupt)
		merged += c.Stats().ObjectsOut
		jobs := c.Stats().Jobs
		require.NoError(rt, c.Round(ctx, true))
		require.Equal(rt, jobs, c.Stats().Jobs, "nothing is left to do")
		for range 2 {
			w.now = w.now.Add(24 * time.Hour)
			require.NoError(rt, cleaner.Round(ctx))
		}
		keys := 0
		require.NoError(rt, w.store.List(ctx, "", func(objstore.Info) error { keys++; return nil }))
		require.Len(rt, w.Objects(meta.Committed), keys, "nothing is left over in the store")
		w.check()
	})
	require.Positive(t, merged)
}

func (w *world) uploadAny(rt *rapid.T) {
	m := make(map[int64]int)
	for _, s := range w.streams {
		if x, ok := w.state.Image().Stream(s); ok && x.Node == 1 && x.Open {
			m[s] = rapid.SampledFrom([]int{0, 1, 2, 5, 30}).Draw(rt, "batches")
		}
	}
	w.upload(m, rapid.SampledFrom([]int{16, 100, 700}).Draw(rt, "size"), 2<<10)
}

func (w *world) meddle(rt *rapid.T, cleaner *Cleaner) {
	id := rapid.SampledFrom(w.streams).Draw(rt, "stream")
	s, ok := w.state.Image().Stream(id)
	switch step := rapid.IntRange(0, 5).Draw(rt, "what"); {
	case step == 0:
		w.uploadAny(rt)
	case step == 1 && ok:
		w.must(meta.TrimStream{StreamID: id, NodeID: s.Node, NodeEpoch: int64(s.Node), Start: rapid.Int64Range(s.Start, s.End).Draw(rt, "trim")})
	case step == 2 && ok && s.Topic != "t" && rapid.Bool().Draw(rt, "delete"):
		w.must(meta.DeleteTopic{Name: s.Topic})
	case step == 3 && ok && s.Node == 1:
		w.must(meta.CloseStream{StreamID: id, NodeID: 1, NodeEpoch: 1, StreamEpoch: s.Epoch})
		to := rapid.Int32Range(1, 2).Draw(rt, "to")
		w.must(meta.OpenStream{StreamID: id, NodeID: to, NodeEpoch: int64(to), StreamEpoch: s.Epoch + 1})
	default:
		w.now = w.now.Add(time.Duration(rapid.IntRange(0, 40).Draw(rt, "minutes")) * time.Minute)
		require.NoError(rt, cleaner.Round(ctx))
	}
	w.check()
}

package broker

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/shape"
	"github.com/tidelog/tide/broker/stream"
	"github.com/tidelog/tide/iopath"
)

// besideFor is how long a write to the log counts: producers that send a
// hundred times a second are still there between two of their writes.
const besideFor = 100 * time.Millisecond

// logWatch says whether the log is being written to. Anyone may ask, at any
// time.
type logWatch struct {
	engine atomic.Pointer[stream.Engine] // nil: not open yet
	writes atomic.Int64                  // seen last
	at     atomic.Int64                  // ns since start, when writes was first seen
	start  time.Time
}

func newLogWatch() *logWatch { return &logWatch{start: time.Now()} }

// writing costs one short lock of the log.
func (w *logWatch) writing() bool {
	e := w.engine.Load()
	if e == nil {
		return false
	}
	now := int64(time.Since(w.start))
	if n := e.WALStats().Writes; w.writes.Swap(n) != n {
		w.at.Store(now)
		return true
	}
	return now-w.at.Load() < int64(besideFor)
}

// beside is what a directory of objects asks whether the log on its disk is
// being written to; nil where log and objects share none.
func (b *Broker) beside() func() bool {
	log, err := iopath.ParseURL(b.cfg.WAL)
	if err != nil {
		return nil // Validate has told
	}
	store, err := objstore.ParseURL(b.cfg.Store)
	if err != nil || !sameDisk(log.File, store.Path) {
		return nil
	}
	return b.logWatch.writing
}

// yield keeps the reads of the store from harming the log, until ctx ends.
func (b *Broker) yield(ctx context.Context) error {
	y := shape.NewYield(b.store.Reads().Places)
	ticker := time.NewTicker(shape.YieldEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			st := b.engine.WALStats()
			reads := b.store.Reads()
			b.store.SetReads(y.Look(shape.LogStats{Writes: st.Writes, Bytes: st.Bytes, InFlight: st.InFlight}, reads.InUse+reads.Waiting))
		case <-ctx.Done():
			return nil
		}
	}
}

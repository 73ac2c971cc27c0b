package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/session"
	"github.com/tidelog/tide/workloads/target"
)

// leastFill is what --quick leaves of a fill, if there was as much: less is
// read in less time than a phase needs to have a p99.
const leastFill = 512 << 20

// fill writes what is to be there before a load by a schedule begins, and waits
// until it lies where a reader that lags behind will find it. The tailing
// consumers read along: later they would fetch it from there, and leave it in
// the caches.
func (t *trial) fill(ctx context.Context, tail *load.Readers) error {
	t.filled = t.fillBytes() / int64(t.load.Config().ValueSize)
	if t.filled == 0 {
		return nil
	}
	if err := t.write(ctx, t.filled); err != nil {
		return err
	}
	if t.load.Config().Consumers > 0 {
		ends, err := t.load.Ends(ctx)
		if err != nil {
			return err
		}
		level, cancel := context.WithTimeout(ctx, readTimeout)
		defer cancel()
		if err := tail.Await(level, ends); err != nil {
			return fmt.Errorf("phase fill: %w", err)
		}
	}
	if t.cfg.Workload.ColdCaches {
		if err := syncFiles(t.data); err != nil { // dirty pages cannot be dropped later
			t.session.Warn("what was filled may stay in the page cache: "+err.Error(), "compare with another warm row only")
		}
	}
	return t.settleFill(ctx)
}

// settled is the share of a fill that has to lie in objects before the load
// begins. The rest is a block that waits until it is full, or old enough; the
// load fills it, as it does at any other time.
const settled = 0.9

func (t *trial) settleFill(ctx context.Context) error {
	tiered, ok := t.target.(target.Tiered)
	if !ok {
		if cold, ok := t.target.(target.Cold); ok {
			return t.settle(ctx, cold)
		}
		return nil
	}
	t.cfg.Progress.Step("waiting for uploads", 0)
	limit := time.Now().Add(uploadTimeout)
	for {
		n, err := tiered.Committed(ctx, t.load.Config().Topic)
		if err != nil {
			return err
		}
		if float64(n) >= settled*float64(t.filled) {
			return t.warmReads(ctx)
		}
		if time.Now().After(limit) {
			return fmt.Errorf("only %d of the %d records that were filled are in objects after %v: see broker.log", n, t.filled, uploadTimeout)
		}
		if err := t.until(ctx, time.Now().Add(100*time.Millisecond)); err != nil {
			return err
		}
	}
}

// write is the phase fill: a number of records, as fast as it goes.
func (t *trial) write(ctx context.Context, records int64) error {
	t.cfg.Progress.Step("fill", 0)
	t.session.Begin("fill", session.Unrated)
	producers, err := t.load.StartFill(ctx, records)
	if err != nil {
		return err
	}
	defer release(producers)
	t.session.Producing(producers)
	select {
	case <-producers.Done():
	case <-t.target.Ended():
		return fmt.Errorf("phase fill: the target ended by itself: %s", t.target.LastWords())
	case <-ctx.Done():
		return ctx.Err()
	}
	t.session.End()
	t.drain(ctx, producers)
	return nil
}

// fillBytes is the workload's; an eighth of it in a quick trial, if that is
// enough.
func (t *trial) fillBytes() int64 {
	b := t.cfg.Workload.Fill()
	if t.cfg.Quick {
		return max(b/8, min(b, leastFill))
	}
	return b
}

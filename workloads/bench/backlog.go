package bench

import (
	"context"
	"errors"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/session"
	"github.com/tidelog/tide/workloads/target"
)

// backlogPhases writes a back-log and reads it back out of objects.
func (t *trial) backlogPhases(ctx context.Context) error {
	if err := t.write(ctx, t.load.Config().MaxRecords); err != nil {
		return err
	}
	ends, err := t.load.Ends(ctx)
	if err != nil {
		return err
	}
	if err := t.makeCold(ctx); err != nil {
		return err
	}
	if _, counted := t.session.Sample(ctx)[session.RecordsFromObjects]; !counted {
		if err := t.tierShare(ctx, "catch-up", ends); err != nil {
			return err
		}
	}
	t.cfg.Progress.Step("catch-up", 0)
	t.session.Begin("catch-up", session.Unrated)
	readers, err := t.load.StartReplay(t.load.Config().Consumers, "")
	if err != nil {
		return err
	}
	t.await(ctx, readers, ends)
	t.session.End()
	t.session.Verified(readers.Verify())
	_, bytes, took := readers.Progress()
	t.session.Figure("catch-up", float64(bytes)/(1<<20)/took.Seconds(), "MiB/s from the first record to the last")
	t.figures("fill", func(p results.Phase) int64 { return p.AckedBytes })
	t.figures("catch-up", func(p results.Phase) int64 { return p.CaughtUpB })
	t.readCost("catch-up")
	if t.cfg.Workload.ColdFetchRate == 0 {
		return nil
	}
	return t.coldFetches(ctx, ends)
}

// makeCold waits until everything is where a reader that lags behind finds it
// and empties what serves the tail, and with coldCaches everything else that
// could remember it.
func (t *trial) makeCold(ctx context.Context) error {
	cold, ok := t.target.(target.Cold)
	if !ok {
		t.session.Warn("what the target keeps in its own caches is not known", "")
		return nil
	}
	if err := t.settle(ctx, cold); err != nil {
		return err
	}
	if !t.cfg.Workload.ColdCaches {
		t.session.Warn("the page cache was not dropped: objects may be read from memory", "compare with another warm row only")
		return nil
	}
	if _, ok := cold.(target.ColdInPlace); ok {
		// Dirty pages cannot be dropped.
		if err := errors.Join(syncFiles(t.data), dropPageCache(t.data)); err != nil {
			t.session.Warn("the page cache was not dropped: "+err.Error(), "compare with another warm row only")
		}
		return nil
	}
	t.cfg.Progress.Step("starting the target again, with cold caches", 0)
	if err := t.target.Kill(); err != nil {
		return err
	}
	if err := dropPageCache(t.data); err != nil {
		t.session.Warn("the page cache was not dropped: "+err.Error(), "compare with another warm row only")
	}
	return t.target.Restart(ctx)
}

func (t *trial) settle(ctx context.Context, cold target.Cold) error {
	t.cfg.Progress.Step("waiting for uploads", 0)
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	if err := errors.Join(cold.Settle(ctx, t.load.Config().Topic), t.warmReads(ctx)); err != nil {
		return err
	}
	return cold.Forget(ctx)
}

// warmReads has a target that needs it run its way of reading once.
func (t *trial) warmReads(ctx context.Context) error {
	w, ok := t.target.(target.Warmer)
	if !ok {
		return nil
	}
	t.cfg.Progress.Step("reading a little, to warm the target up", 0)
	return w.Warm(ctx, t.load.Config().Topic)
}

// forget leaves nothing of what is read in memory that is meant for the tail,
// and with coldCaches in the page cache, while the target lives on.
func (t *trial) forget(ctx context.Context) error {
	cold, ok := t.target.(target.Cold)
	if !ok {
		t.session.Warn("what the target keeps in its own caches is not known", "")
		return nil
	}
	if err := cold.Forget(ctx); err != nil {
		return err
	}
	if t.cfg.Workload.ColdCaches {
		if err := dropPageCache(t.data); err != nil {
			t.session.Warn("the page cache was not dropped: "+err.Error(), "compare with another warm row only")
		}
	}
	return nil
}

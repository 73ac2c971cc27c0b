package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/load"
)

func (t *trial) phases(ctx context.Context) error {
	if t.cfg.Workload.Backlog() > 0 && !t.cfg.Workload.Beside() {
		return t.backlogPhases(ctx)
	}
	return t.steadyPhases(ctx)
}

// release ends producers after an error: nothing may run on.
func release(p *load.Producers) {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_ = p.Wait(gone)
}

// until waits for a moment, and for nothing else but a target that dies.
func (t *trial) until(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.target.Ended():
		return fmt.Errorf("the target ended by itself: %s", t.target.LastWords())
	}
}

func (t *trial) drain(ctx context.Context, producers *load.Producers) {
	t.cfg.Progress.Step("waiting for the last acknowledgements", 0)
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	if err := producers.Wait(ctx); err != nil {
		t.session.Fault("not every send was acknowledged in the end: "+err.Error(), "the target does not keep up with this load")
	}
}

func (t *trial) checkTail(ctx context.Context, tail *load.Readers, ends []int64) {
	limit := drainTimeout
	if t.cfg.Workload.Beside() { // what the ratio has left of the back-log
		limit = readTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := tail.Await(ctx, ends); err != nil {
		t.session.Fault("the tailing consumers did not reach the end: "+err.Error(), "the target does not serve consumers at this rate")
		return
	}
	tail.Stop()
	if v := tail.Verify(); !v.OK() {
		t.session.Fault(fmt.Sprintf("the tailing consumers saw %d lost, %d duplicated, %d reordered, %d corrupt records: %v",
			v.Lost, v.Duplicates, v.Reordered, v.Corrupt, v.Samples), "this is a fault of the target")
	}
}

// verify reads everything back, if the workload asks for it.
func (t *trial) verify(ctx context.Context, ends []int64) error {
	if !t.cfg.Workload.Verify {
		t.session.Warn("the records were not read back and verified", "set verify: true in the workload")
		return nil
	}
	if t.cfg.Target.Discards() {
		t.session.Warn("the records were not read back and verified: the target keeps none", "")
		return nil
	}
	t.cfg.Progress.Step("verifying every record", 0)
	readers, err := t.load.StartReplay(1, "")
	if err != nil {
		return err
	}
	t.await(ctx, readers, ends)
	t.session.Verified(readers.Verify())
	return nil
}

// await reads up to the ends and stops the readers; what goes wrong is a fault
// of the trial.
func (t *trial) await(ctx context.Context, readers *load.Readers, ends []int64) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err := readers.Await(ctx, ends)
	readers.Stop()
	if err != nil {
		t.session.Fault("reading back did not reach the end: "+err.Error(), "see broker.log")
	}
}

// figures quotes a phase: its rate, and the target's CPU per GiB.
func (t *trial) figures(phase string, bytes func(results.Phase) int64) {
	for _, p := range t.session.Phases() {
		if p.Name != phase {
			continue
		}
		t.session.Figure(phase+" rate", p.MiBPerSecond(bytes(p)), "MiB/s")
		if n := bytes(p); p.CPU > 0 && n > 0 {
			t.session.Figure(phase+" target CPU per GiB", p.CPU/(float64(n)/(1<<30)), "s/GiB")
		}
	}
}

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/session"
	"github.com/tidelog/tide/workloads/target"
)

func init() {
	happenings[workloads.StoreOutage] = func(t *trial, _ workloads.Phase) happening {
		return &storeFault{t: t, do: target.StoreOutage}
	}
	happenings[workloads.StoreSlow] = func(t *trial, p workloads.Phase) happening {
		return &storeFault{t: t, do: target.StoreSlow, latency: p.Latency()}
	}
}

// storeFault makes the target's store fail, or answer late. Producers go on: the
// WAL takes what cannot be uploaded until it is full, then they wait. The phase
// lasts until they are level with their schedule again.
type storeFault struct {
	t       *trial
	do      target.StoreFault
	latency time.Duration
	name    string
	begun   time.Time
	acked   int64 // records, when it began
	due     int64 // likewise
}

// When the WAL is full nothing can be acknowledged.
func (*storeFault) kind() session.Kind { return session.Unrated }

func (f *storeFault) able() error {
	if _, ok := f.t.target.(target.StoreBreaker); !ok {
		return errors.New("the target's store cannot be made to fail")
	}
	return nil
}

func (f *storeFault) begin(ctx context.Context, name string) error {
	f.name, f.begun = name, time.Now()
	f.acked, f.due = f.t.acked(), f.t.due()
	return f.t.target.(target.StoreBreaker).BreakStore(ctx, f.do, f.latency)
}

func (f *storeFault) wait(ctx context.Context) error {
	return f.t.poll(ctx, func() bool { return false })
}

// end mends the store, whatever has happened: a target that is to stop uploads
// what it holds first.
func (f *storeFault) end(ctx context.Context) error {
	f.meanwhile()
	mended := time.Now()
	mend, cancel := context.WithTimeout(context.WithoutCancel(ctx), setupTimeout)
	defer cancel()
	if err := f.t.target.(target.StoreBreaker).BreakStore(mend, target.StoreSound, 0); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := f.t.level(ctx, f.name); err != nil {
		return err
	}
	f.t.session.Figure(f.name+" until level", time.Since(mended).Seconds(), "s from the store's return until every send that was due is acknowledged")
	return nil
}

// meanwhile quotes what the WAL took.
func (f *storeFault) meanwhile() {
	acked, due := f.t.acked()-f.acked, f.t.due()-f.due
	if due > 0 {
		f.t.session.Figure(f.name+" acknowledged meanwhile", 100*min(1, float64(acked)/float64(due)), fmt.Sprintf("%% of the sends due in %v", time.Since(f.begun).Round(time.Millisecond)))
	}
}

// acked is how many sends by the schedule have their outcome.
func (t *trial) acked() int64 {
	c := &t.load.Counters
	return c.Acked.Load() + c.Failed.Load() - t.filled
}

// due is how many are due by now.
func (t *trial) due() int64 { return t.producers.ScheduledBefore(t.clock.Now()) }

// level waits for the sends that were due while the target could not
// acknowledge them.
func (t *trial) level(ctx context.Context, phase string) error {
	due := t.due()
	if t.soon(ctx, func() bool { return t.acked() >= due }) {
		return nil
	}
	t.session.Fault(fmt.Sprintf("%s: the sends that were due had no answer %v later", phase, recoverTimeout),
		"the target does not make up for an outage at this rate: see broker.log")
	return ctx.Err()
}

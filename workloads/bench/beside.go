package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/tidelog/tide/workloads/session"
)

// A back-log beside an open loop, as OpenMessaging Benchmark has it: behind the
// warm-up consumers pause until they are behind by so many bytes, while
// producers go on; then they resume, and when they are level again the run
// begins.
//
//	behind │            ╱╲
//	       │          ╱    ╲
//	       │        ╱        ╲____________
//	       warm-up │ build │ drain │ run

// levelAt is how far behind consumers are that count as level, in records; that
// benchmark's own number.
const levelAt = 1000

// planBacklog is the steps behind the warm-up.
func (t *trial) planBacklog(p *planner) []step {
	at := t.longestWarmUp()
	limit := max(readTimeout, 2*t.cfg.Workload.BuildTime(t.backlog()))
	p.add(step{name: "backlog-build", kind: session.Rated, until: at + limit, what: &building{t: t}, open: true})
	p.add(step{name: "backlog-drain", kind: session.Rated, until: at + 2*limit, what: &draining{t: t}, open: true})
	// What is left of a back-log is still read then.
	calm := t.cfg.Workload.BacklogDrainRatio >= settled
	p.add(step{name: "run", kind: session.Window, until: at + 2*limit + t.length(), calm: calm})
	return p.steps
}

// behind is how many records the consumers have not read of those sent, over all
// subscriptions.
func (t *trial) behind() int64 {
	c := &t.load.Counters
	return int64(t.cfg.Workload.SubscriptionsPerTopic)*c.Sent.Load() - c.Consumed.Load()
}

// building lets a back-log build up.
type building struct {
	t     *trial
	name  string
	begun time.Time
}

// What is asked of the producers is what it always is.
func (*building) kind() session.Kind { return session.Rated }

func (*building) able() error { return nil }

func (b *building) begin(_ context.Context, name string) error {
	b.name, b.begun = name, time.Now()
	b.t.tail.Pause()
	return nil
}

// records is the size of the back-log.
func (b *building) records() int64 { return b.t.backlog() / int64(b.t.cfg.Workload.MessageSize) }

func (b *building) wait(ctx context.Context) error {
	return b.t.poll(ctx, func() bool { return b.t.behind() >= b.records() })
}

func (b *building) end(context.Context) error {
	behind := b.t.behind()
	if behind < b.records() {
		b.t.session.Fault(fmt.Sprintf("%s: consumers were behind by %d of %d records when its time was over", b.name, behind, b.records()),
			"the target does not take this rate, or the rate is too low for this back-log")
	}
	b.t.session.Figure(b.name+" time", time.Since(b.begun).Seconds(), "s")
	b.t.session.Figure(b.name+" size", float64(behind*int64(b.t.cfg.Workload.MessageSize))/(1<<20), "MiB")
	return nil
}

// draining lets the consumers read it.
type draining struct {
	t      *trial
	name   string
	begun  time.Time
	before int64 // bytes consumed
	behind int64 // records
}

func (*draining) kind() session.Kind { return session.Rated }

func (*draining) able() error { return nil }

func (d *draining) begin(ctx context.Context, name string) error {
	if d.t.cfg.Workload.ColdCaches {
		if err := d.t.forget(ctx); err != nil {
			return err
		}
	}
	d.name, d.begun = name, time.Now()
	d.before, d.behind = d.t.load.Counters.ConsumeB.Load(), d.t.behind()
	d.t.tail.Resume()
	return nil
}

// level is how far behind they may be in the end. At a high rate more than
// levelAt are always on their way.
func (d *draining) level() int64 {
	w := d.t.cfg.Workload
	left := (1 - w.BacklogDrainRatio) * float64(d.t.backlog()) / float64(w.MessageSize)
	return max(levelAt, int64(left), w.ProducerRate/10)
}

func (d *draining) wait(ctx context.Context) error {
	return d.t.poll(ctx, func() bool { return d.t.behind() <= d.level() })
}

func (d *draining) end(context.Context) error {
	took, bytes := time.Since(d.begun).Seconds(), d.t.load.Counters.ConsumeB.Load()-d.before
	if behind := d.t.behind(); behind > d.level() {
		d.t.session.Fault(fmt.Sprintf("%s: consumers were behind by %d records, after %d, when its time was over", d.name, behind, d.behind),
			"the target does not serve consumers at more than the rate of producing")
	}
	d.t.session.Figure(d.name+" time", took, "s")
	d.t.session.Figure(d.name+" read rate", float64(bytes)/(1<<20)/took, "MiB/s, of all consumers")
	return nil
}

// poll waits until something is so, or ctx ends: its time is over.
func (t *trial) poll(ctx context.Context, so func() bool) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		case <-t.target.Ended():
			return fmt.Errorf("the target ended by itself: %s", t.target.LastWords())
		}
	}
	return nil
}

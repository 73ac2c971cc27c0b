package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/session"
)

// shortest is the least time that is left of a step for it to be worth its
// name. An outage may take longer than it was given.
const shortest = time.Second

// leastWarmUp is how long a load goes on before its times are worth quoting.
const leastWarmUp = time.Minute

// shortWarmUp is what is to be said of a warm-up; nothing when it is long
// enough, or the trial is not to be quoted anyway.
func shortWarmUp(quick bool, warmUp time.Duration) string {
	if quick || warmUp >= leastWarmUp {
		return ""
	}
	return fmt.Sprintf("the warm-up lasted %v, want at least %v", warmUp.Round(100*time.Millisecond), leastWarmUp)
}

// warnShort says it of one that lasted so long.
func (t *trial) warnShort(on watched, lasted time.Duration) {
	if w := shortWarmUp(t.cfg.Quick, lasted); w != "" {
		on.Warn(w, "set warmupDurationMinutes: 1 or more: a JVM's compiler, caches and files are not at rest before")
	}
}

// steadyPhases is a load that goes on by itself, with tailing consumers, and
// what happens to the target meanwhile.
func (t *trial) steadyPhases(ctx context.Context) error {
	steps := t.plan()
	if err := able(steps); err != nil {
		return err
	}
	if why := t.rests(); why != "" {
		t.session.WarmedUp(results.WarmUp{Asked: t.warmUp().Seconds(), Took: t.warmUp().Seconds(), P99Us: []float64{}, NotJudged: why})
		t.warnShort(t.session, t.warmUp())
	}
	var err error
	if t.tail, err = t.load.StartTail(); err != nil {
		return err
	}
	defer t.tail.Stop()
	if err := t.fill(ctx, t.tail); err != nil {
		return err
	}
	start := time.Now()
	if t.producers, err = t.load.StartProducers(ctx, steps[len(steps)-1].until); err != nil {
		return err
	}
	defer release(t.producers)
	t.session.Producing(t.producers)
	if err := t.walk(ctx, steps, start); err != nil {
		return err
	}
	if slices.ContainsFunc(steps, func(s step) bool { return s.open }) {
		t.producers.Finish() // they were given the longest time that it might take
	}
	// The last step ends with its time: what is acknowledged later than that was
	// not reached within it.
	t.session.End()
	t.drain(ctx, t.producers)
	ends, err := t.load.Ends(ctx)
	if err != nil {
		return err
	}
	if t.load.Config().Consumers > 0 {
		t.checkTail(ctx, t.tail, ends)
	}
	t.figures("run", func(p results.Phase) int64 { return p.AckedBytes })
	t.effects(steps)
	return t.verify(ctx, ends)
}

// walk goes through the steps while the load runs.
func (t *trial) walk(ctx context.Context, steps []step, start time.Time) error {
	wanted, measured := false, false
	for _, s := range steps {
		until := start.Add(s.until)
		wanted = wanted || s.kind >= session.Rated
		if time.Until(until) < min(shortest, s.length/2) {
			t.leaveOut(s)
			continue
		}
		measured = measured || s.kind >= session.Rated
		t.cfg.Progress.Step(s.name, s.shown(until))
		t.session.Begin(s.name, s.kind)
		if err := t.step(ctx, s, until); err != nil {
			return fmt.Errorf("phase %s: %w", s.name, err)
		}
		if s.open {
			start = time.Now().Add(-s.until)
		}
	}
	if wanted && !measured {
		t.session.Fault("no phase was measured: all of them were left out", "stop other work on the machine, or give the phases longer times")
	}
	return nil
}

// leaveOut says of a step that its time was over before it could begin. Where
// something was to happen in it, the trial is not what its workload says.
func (t *trial) leaveOut(s step) {
	say := t.session.Warn
	if s.what != nil {
		say = t.session.Fault
	}
	say("phase "+s.name+" was left out: the one before it lasted too long", "give that one a longer time")
}

// shown is the length that a person is told; 0: it is not known.
func (s step) shown(until time.Time) time.Duration {
	if s.open {
		return s.asked
	}
	return time.Until(until)
}

func (t *trial) step(ctx context.Context, s step, until time.Time) error {
	if s.what == nil {
		return t.until(ctx, until)
	}
	return t.happen(ctx, s, until)
}

package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/session"
)

// How a warm-up is judged: by windows of a sixth of the time asked for, whole
// seconds, so that half of it has gone by before the first that counts. It goes
// on, window by window, until the last three are alike, for so many times that
// at most.
const (
	warmWindows   = 6
	mostWarm      = 3
	quickMostWarm = 2
)

// warming is the load before anything counts.
//
//	0        asked              most
//	│ warm-up ──┼─ until at rest ─┤ run     the schedule goes on through all of it
type warming struct {
	t      *trial
	on     watched
	begun  time.Time
	asked  time.Duration
	window time.Duration
}

// watched is the session, as far as a warm-up needs it.
type watched interface {
	// Watch begins windows of so many seconds.
	Watch(seconds int)
	// Watched are the p99 of those that are over, µs, and the fewest records of one.
	Watched() (p99Us []float64, fewest int64)
	WarmedUp(results.WarmUp)
	Warn(what, hint string)
}

// rests says whether the warm-up can be judged, and where not, why.
func (t *trial) rests() (why string) {
	switch {
	case t.cfg.Workload.Closed:
		return "a closed loop is measured by its throughput"
	case t.cfg.Workload.Varies():
		return "the rate varies by itself"
	case t.warmUp() < results.SteadyWindows*time.Second:
		return fmt.Sprintf("%v hold no %d windows of a second", t.warmUp(), results.SteadyWindows)
	}
	return ""
}

// longestWarmUp is how long it may go on.
func (t *trial) longestWarmUp() time.Duration {
	switch {
	case t.rests() != "":
		return t.warmUp()
	case t.cfg.Quick, t.cfg.probe: // a probe beyond what the target holds never rests
		return quickMostWarm * t.warmUp()
	}
	return mostWarm * t.warmUp()
}

// warmStep is the first step of a load that goes on by itself.
func (t *trial) warmStep() step {
	s := step{name: "warm-up", until: t.longestWarmUp()}
	if t.rests() == "" {
		window := max(time.Second, (t.warmUp() / warmWindows).Round(time.Second))
		s.open, s.asked, s.what = true, t.warmUp(), &warming{t: t, on: t.session, asked: t.warmUp(), window: window}
	}
	return s
}

func (*warming) kind() session.Kind { return session.Unrated }

func (*warming) able() error { return nil }

func (w *warming) begin(context.Context, string) error {
	w.begun = time.Now()
	w.on.Watch(int(w.window / time.Second))
	return nil
}

// now is how it has gone so far.
func (w *warming) now() results.WarmUp {
	p99Us, fewest := w.on.Watched()
	out := results.WarmUp{Asked: w.asked.Seconds(), Took: time.Since(w.begun).Seconds(), Window: w.window.Seconds(), P99Us: p99Us}
	if len(p99Us) > 0 && fewest < results.MinQuotable {
		out.Window, out.NotJudged = 0, fmt.Sprintf("a window of %v holds %d records, want at least %d for a p99", w.window, fewest, results.MinQuotable)
	}
	out.Stable = out.NotJudged == "" && out.AtRest()
	return out
}

func (w *warming) wait(ctx context.Context) error {
	return w.t.poll(ctx, func() bool {
		if time.Since(w.begun) < w.asked {
			return false
		}
		now := w.now()
		return now.Stable || now.NotJudged != ""
	})
}

func (w *warming) end(context.Context) error {
	got := w.now()
	w.on.WarmedUp(got)
	w.t.warnShort(w.on, time.Since(w.begun))
	switch {
	case got.Stable:
	case got.NotJudged != "":
		w.on.Warn("whether the load was at rest after the warm-up is not known: "+got.NotJudged, "set a longer warmupDurationMinutes, or a higher rate")
	default:
		w.on.Warn(unrest(got), "set a longer warmupDurationMinutes; where the run goes on like this, it is the target's own noise")
	}
	return nil
}

// unrest says with numbers what the last windows were.
func unrest(w results.WarmUp) string {
	var last []string
	for _, us := range w.Last() {
		last = append(last, fmt.Sprintf("%.2f", us/1000))
	}
	return fmt.Sprintf("the load was not at rest after %.1f s of warm-up (asked for %.1f s): p99 of its last windows of %.0f s was %s ms, want the highest at most %.1f × the lowest",
		w.Took, w.Asked, w.Window, strings.Join(last, ", "), results.SteadyRatio)
}

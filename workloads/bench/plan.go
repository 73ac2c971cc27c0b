package bench

import (
	"fmt"
	"time"

	"github.com/tidelog/tide/workloads/session"
)

// step is one phase of a load that goes on by itself.
//
//	warm-up │ run │ catch-up │ run-2 │ kill9 │ run-3
//	                happens            happens
type step struct {
	name  string
	kind  session.Kind
	until time.Duration // since the first send: its end at the latest
	// length is the time from the planned end of the step before.
	length time.Duration
	what   happening // nil: the load alone
	// open: it ends when it is over, and what is planned behind it then begins.
	open bool
	// asked is how long an open one is expected to take; 0: it is not known.
	asked time.Duration
	// calm: nothing happens, and what happened before was such that the target
	// could keep up. The percentiles of the others are compared with these.
	calm bool
}

// plan is the steps of a steady trial.
func (t *trial) plan() []step {
	var p planner
	p.add(t.warmStep())
	if t.cfg.Workload.Beside() {
		return t.planBacklog(&p)
	}
	scale := float64(t.length()) / float64(t.cfg.Workload.Duration())
	scaled := func(d time.Duration) time.Duration { return t.longestWarmUp() + time.Duration(float64(d)*scale) }
	calm := true
	for _, ph := range t.cfg.Workload.Phases {
		p.add(step{name: "run", kind: session.Window, until: scaled(ph.At), calm: calm})
		what := happenings[ph.Do](t, ph)
		p.add(step{name: ph.Do, kind: what.kind(), until: scaled(ph.At + ph.For), what: what})
		calm = what.kind() >= session.Rated
	}
	p.add(step{name: "run", kind: session.Window, until: t.longestWarmUp() + t.length(), calm: calm})
	return p.steps
}

// planner gives each step a name of its own and leaves out those without a
// length.
type planner struct {
	steps []step
	named map[string]int
}

func (p *planner) add(s step) {
	s.length = s.until
	if n := len(p.steps); n > 0 {
		s.length -= p.steps[n-1].until
	}
	if s.length <= 0 {
		return
	}
	if p.named == nil {
		p.named = map[string]int{}
	}
	p.named[s.name]++
	if n := p.named[s.name]; n > 1 {
		s.name = fmt.Sprintf("%s-%d", s.name, n)
	}
	p.steps = append(p.steps, s)
}

package load

import (
	"sync"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tidelog/tide/results"
)

// Stalls is the generator's own error: how late it was with sends that nothing
// of the target held up. It is part of every delay and every response, and a
// trial in which it is a large part of what is quoted has measured the wrong
// machine. Safe for any number of goroutines.
type Stalls struct {
	mu   sync.Mutex
	hist *hdrhistogram.Histogram // guarded by mu; nil until the first send
}

// Take returns the errors since the last Take, ns; nil without any.
func (s *Stalls) Take() *hdrhistogram.Histogram {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.hist
	s.hist = nil
	return out
}

func (s *Stalls) record(ns int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hist == nil {
		s.hist = results.NewHistogram()
	}
	_ = s.hist.RecordValue(min(max(ns, 0), results.HistogramHighest)) // cannot fail: it is within the bounds
}

// lag tells the generator's own error from the target's. Both make sends late;
// but one that is late because the send before it waited for room in a client's
// buffer is late by the target. From there up to the next send that is on time
// again nothing is known of the generator.
//
//	slept, sent   own error
//	late, sent    own error: the generator was busy, or did not run
//	full: waits   its own delay still counts, it was taken before
//	late, sent    the target's; not counted
//	slept, sent   own error again
type lag struct {
	out     *Stalls
	pressed bool
}

func newLag(out *Stalls) *lag { return &lag{out: out} }

// sent tells of a send: its delay, ns, whether the pacer slept before it, and
// whether it found the client full.
func (l *lag) sent(delay int64, slept, full bool) {
	if slept {
		l.pressed = false
	}
	if !l.pressed {
		l.out.record(delay)
	}
	l.pressed = l.pressed || full
}

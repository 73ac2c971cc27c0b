package session

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tidelog/tide/results"
)

// rest adds the response times of a phase up by windows of so many intervals,
// which last a second each. Windows are made of whole intervals, so that none is
// cut short for them; the one in which the phase began is not whole, and left out.
type rest struct {
	every  int // intervals
	seen   int // of the present window; −1: the next one is left out
	hist   *hdrhistogram.Histogram
	p99Us  []float64 // of the windows that are over
	fewest int64     // records in any of them
}

// add takes an interval.
func (r *rest) add(h *hdrhistogram.Histogram) {
	if r.seen < 0 {
		r.seen = 0
		return
	}
	r.hist.Merge(h)
	if r.seen++; r.seen < r.every {
		return
	}
	r.p99Us = append(r.p99Us, float64(r.hist.ValueAtPercentile(99))/float64(time.Microsecond))
	if n := r.hist.TotalCount(); len(r.p99Us) == 1 || n < r.fewest {
		r.fewest = n
	}
	r.hist.Reset()
	r.seen = 0
}

// Watch begins to keep the p99 of the present phase by windows of so many
// seconds. It is to be called when the phase begins.
func (s *Session) Watch(seconds int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = &rest{every: seconds, seen: -1, hist: results.NewHistogram()}
}

// Watched are the windows that are over, µs, and the fewest records that one of
// them holds.
func (s *Session) Watched() (p99Us []float64, fewest int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rest == nil {
		return nil, 0
	}
	return append([]float64(nil), s.rest.p99Us...), s.rest.fewest
}

// WarmedUp keeps how the load came to rest.
func (s *Session) WarmedUp(w results.WarmUp) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run.WarmUp = &w
}

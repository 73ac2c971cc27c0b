package session

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/target"
)

// Kind of a phase: what is asked of it.
type Kind int

// Each kind asks for what the ones before it do, and more.
const (
	Unrated Kind = iota // nothing: it prepares, or the target cannot keep up in it
	Rated               // 99 % of its scheduled sends are acknowledged within it
	Window              // it is long enough for its percentiles to hold several uploads
)

// shortestRated is the least length of a phase whose rate is checked, in ns:
// what is on its way at the end of a shorter one is a per cent of its sends.
const shortestRated = int64(time.Second)

// keepResponse adds an interval to its phase. Called with mu held.
func (s *Session) keepResponse(h *hdrhistogram.Histogram) {
	if s.phase == "" {
		return
	}
	if s.response[s.phase] == nil {
		s.response[s.phase] = results.NewHistogram()
	}
	s.response[s.phase].Merge(h)
	if s.rest != nil {
		s.rest.add(h)
	}
}

// Response is the response time of producing in phases that have ended, all
// together.
func (s *Session) Response(phases ...string) *hdrhistogram.Histogram {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := results.NewHistogram()
	for _, p := range phases {
		if h := s.response[p]; h != nil {
			sum.Merge(h)
		}
	}
	return sum
}

// Begin ends the present phase and starts the next.
func (s *Session) Begin(name string, kind Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endPhase()
	s.phase, s.kind, s.opened, s.own = name, kind, s.last, newOwn()
	if _, ok := s.cfg.Target.(target.Active); ok && kind >= Rated && !s.closedLoop() {
		s.splits = newSplits(s.last.at)
	}
	s.cfg.Rec.KeepTimed(s.splits != nil)
	s.ticker.Reset(time.Second)
}

// closedLoop: the sends of now have no schedule. Called with mu held.
func (s *Session) closedLoop() bool {
	if s.producers == nil {
		return s.cfg.Load.Config().Closed
	}
	return s.producers.Closed()
}

// End ends the present phase.
func (s *Session) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endPhase()
	s.phase = ""
}

// endPhase cuts the interval, so that no line of a log lies in two phases.
func (s *Session) endPhase() {
	s.interval()
	if s.phase == "" {
		return
	}
	defer func() { s.splits, s.rest = nil, nil }()
	a, b := s.opened, s.last
	p := results.Phase{
		Name: s.phase, RateChecked: s.kind >= Rated && b.at-a.at >= shortestRated, Window: s.kind == Window, Closed: s.closedLoop(),
		Start: s.seconds(a.at), End: s.seconds(b.at),
		Scheduled: b.scheduled - a.scheduled, Acked: b.acked - a.acked, AckedBytes: b.ackedB - a.ackedB,
		Failed: b.failed - a.failed, Consumed: b.consumed - a.consumed, ConsumedB: b.consB - a.consB,
		CaughtUp: b.caught - a.caught, CaughtUpB: b.caughtB - a.caughtB,
	}
	p.Puts, p.Gets = b.delta(a, metricPuts), b.delta(a, metricGets)
	p.CPU = (b.usage.CPU - a.usage.CPU).Seconds()
	p.PutBytes, p.GetBytes = b.delta(a, metricPutBytes), b.delta(a, metricGetBytes)
	p.Counters = b.grown(a)
	p.Generator = s.own.sum(s.response[s.phase])
	if s.splits != nil {
		p.Splits = s.splits.result()
	}
	if s.splits != nil && p.Window {
		s.windows.merge(s.splits)
	}
	s.run.Phases = append(s.run.Phases, p)
}

package session

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/load"
)

// own is what is known of the generator within the present phase.
type own struct {
	begin  load.Own
	errors *hdrhistogram.Histogram
}

func newOwn() own {
	return own{begin: load.ReadOwn(), errors: results.NewHistogram()}
}

// sum is the phase's account, beside its response times; nil without any.
func (o *own) sum(response *hdrhistogram.Histogram) results.Generator {
	g := load.ReadOwn().Since(o.begin)
	us := func(h *hdrhistogram.Histogram, at float64) float64 {
		return float64(h.ValueAtPercentile(at)) / float64(time.Microsecond)
	}
	g.Sends = o.errors.TotalCount()
	g.ErrorP50Us, g.ErrorP99Us, g.ErrorMaxUs = us(o.errors, 50), us(o.errors, 99), us(o.errors, 100)
	if response != nil {
		g.ResponseP99Us = us(response, 99)
	}
	return g
}

// ownP99Us is the generator's error within an interval; 0 without a send.
func ownP99Us(taken load.Interval) float64 {
	if taken.Late == nil {
		return 0
	}
	return float64(taken.Late.ValueAtPercentile(99)) / float64(time.Microsecond)
}

// longStall of the generator is worth a word even where p99 does not show it.
const longStall = 10 * time.Millisecond

// ownFigures quotes what the generator cost, and warns of its stalls.
func (s *Session) ownFigures() {
	for _, p := range s.run.Phases {
		g := p.Generator
		if g.CPU > 0 && (p.RateChecked || p.Closed) {
			s.run.Figures[p.Name+" generator CPU"] = results.Figure{Value: g.CPU, Unit: "s"}
		}
		if !p.RateChecked || g.Sends == 0 {
			continue
		}
		s.run.Figures[p.Name+" generator error p99"] = results.Figure{Value: g.ErrorP99Us, Unit: "µs"}
		if worst := time.Duration(g.ErrorMaxUs * float64(time.Microsecond)); worst > longStall {
			s.run.Warnings = append(s.run.Warnings, results.Finding{
				What: fmt.Sprintf("phase %s: the generator itself was late by up to %s (p99 %s); its longest GC pause was %s, the worst wait for a processor %s",
					p.Name, results.Millis(g.ErrorMaxUs), results.Millis(g.ErrorP99Us), results.Millis(g.GCPauseMaxUs), results.Millis(g.SchedMaxUs)),
				Hint: "the highest percentiles are its own: quote p99 at most, or repeat on a quieter machine",
			})
		}
	}
}

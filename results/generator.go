package results

import (
	"fmt"
	"time"
)

// Generator is what the load itself cost and did wrong within a phase. Its
// process is not the target's, but it shares the machine, and what it is late
// with stands in every response time.
type Generator struct {
	CPU float64 `json:"cpu_s"` // of the generator's process, consumers and verification included

	// The generator's own error: how late sends were that nothing of the target
	// held up. Open loop only.
	Sends      int64   `json:"sends"` // that it was taken of
	ErrorP50Us float64 `json:"error_p50_us"`
	ErrorP99Us float64 `json:"error_p99_us"`
	ErrorMaxUs float64 `json:"error_max_us"`
	// ResponseP99Us is what the error is held against.
	ResponseP99Us float64 `json:"response_p99_us"`

	GCs          int64   `json:"gc_cycles"`
	GCPauseMaxUs float64 `json:"gc_pause_max_us"` // the upper bound of its bucket, as the next two
	SchedP99Us   float64 `json:"sched_p99_us"`    // from a goroutine's being ready until it runs
	SchedMaxUs   float64 `json:"sched_max_us"`
}

// The generator's own p99 error may be that share of the response's p99 that it
// is part of, and in any case the floor. Beyond, the trial has measured the
// generator.
const (
	MaxOwnShare   = 0.25
	OwnErrorFloor = 100 * time.Microsecond
)

// MinOwnSends is how many sends make a p99.
const MinOwnSends = 1000

// Millis writes µs as ms: one sentence has one unit.
func Millis(us float64) string { return fmt.Sprintf("%.2f ms", us/1000) }

func judgeGenerator(p Phase) []Finding {
	g := p.Generator
	limit := max(MaxOwnShare*g.ResponseP99Us, float64(OwnErrorFloor)/float64(time.Microsecond))
	if !p.RateChecked || p.Closed || g.Sends < MinOwnSends || g.ErrorP99Us <= limit {
		return nil
	}
	return []Finding{{
		fmt.Sprintf("phase %s: the generator itself was late by %s at p99, want ≤ %s (%.0f %% of the response's %s, or %s); its scheduler's worst was %s, its longest GC pause %s",
			p.Name, Millis(g.ErrorP99Us), Millis(limit), 100*MaxOwnShare, Millis(g.ResponseP99Us), Millis(float64(OwnErrorFloor/time.Microsecond)),
			Millis(g.SchedMaxUs), Millis(g.GCPauseMaxUs)),
		"the generator had no processor in time: stop other work on the machine, lower the rate, set clients to share connections, or give target and load cores of their own",
	}}
}

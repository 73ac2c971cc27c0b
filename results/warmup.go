package results

import "slices"

// What a warm-up at load is held to: the p99 of so many windows, one after the
// other, of which the highest is at most so many times the lowest. In the
// 24 published runs of F2, by windows of 2 s, three neighbours were within 1.5 in
// 56 % of cases and within 1.25 in 32 % (75 and 40 % of tide's, 29 and 15 % of those
// of a Kafka that never flushes): less would wait for luck, and a JVM's first
// windows differ by 3 and more.
const (
	SteadyWindows = 3
	SteadyRatio   = 1.5
)

// WarmUp is how a load came to rest before it was measured.
//
//	│ window │ window │ window │ …          until the last three are alike,
//	0                 asked ─────▶ took     and never beyond a bound
type WarmUp struct {
	Asked  float64   `json:"asked_s"`
	Took   float64   `json:"took_s"`
	Window float64   `json:"window_s"` // of P99Us; 0: it was not judged
	P99Us  []float64 `json:"p99_us"`   // response of producing, window by window
	Stable bool      `json:"stable"`
	// NotJudged says why nothing can be said of its p99.
	NotJudged string `json:"not_judged,omitempty"`
}

// Last are the windows that it is judged by; fewer while there are no more.
func (w WarmUp) Last() []float64 { return w.P99Us[max(0, len(w.P99Us)-SteadyWindows):] }

// AtRest says whether those are alike.
func (w WarmUp) AtRest() bool {
	last := w.Last()
	return len(last) == SteadyWindows && slices.Max(last) <= SteadyRatio*slices.Min(last)
}

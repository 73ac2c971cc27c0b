package results

import (
	"path/filepath"
	"strings"
	"time"
)

// Search is how the highest rate was found that a target holds.
//
//	rate     lo ── held ──▶ 2·lo ── held ──▶ 4·lo ── not ──┐
//	               highest ◀── bisection, until the gap is │ within the precision
//
// Each probe is a trial of its own.
type Search struct {
	Limit      string  `json:"limit"`      // such as p99=10ms, of produce.response in the run
	Percentile float64 `json:"percentile"` // of Limit
	LimitNs    int64   `json:"limit_ns"`
	Precision  float64 `json:"precision"`      // asked for: the share by which the lowest rate that did not hold may lie above
	Highest    int64   `json:"highest_per_s"`  // rate that held; 0: none did
	NotHeld    int64   `json:"not_held_per_s"` // lowest rate above it that did not; 0: none was found
	Probes     []Probe `json:"probes"`         // in the order in which they ran
}

// Probe is one rate.
type Probe struct {
	Rate    int64    `json:"rate_per_s"`
	ValueNs int64    `json:"value_ns"` // the percentile that was measured; 0: there is no trial
	Held    bool     `json:"held"`
	Verdict string   `json:"verdict"`           // of the trial
	Reasons []string `json:"reasons,omitempty"` // why it did not hold
	Void    bool     `json:"void,omitempty"`    // the generator spoiled it: the rate was tried again
	Trial   string   `json:"trial"`             // its directory, from that of the search; "" when it failed
}

// Why it did not hold, in one line.
func (p Probe) Why() string { return strings.Join(p.Reasons, "; ") }

// Within says whether the bounds are as near as was asked for.
func (s *Search) Within() bool {
	return s.Highest > 0 && s.NotHeld > 0 && float64(s.NotHeld) <= float64(s.Highest)*(1+s.Precision)
}

// Limited is the limit as a time.
func (s *Search) Limited() time.Duration { return time.Duration(s.LimitNs) }

// Spoiled says whether the generator was late by itself: then a trial says
// nothing of its target.
func (r *Run) Spoiled() bool {
	for _, p := range r.Phases {
		if judgeGenerator(p) != nil {
			return true
		}
	}
	return false
}

// Rewrite judges the run of a trial that was read, and writes run.json again.
// The directory may have been moved meanwhile.
func (t *Trial) Rewrite() error {
	t.Run.ID = filepath.Base(t.Dir)
	t.Run.Verdict = Judge(&t.Run)
	return writeJSON(filepath.Join(t.Dir, "run.json"), &t.Run)
}

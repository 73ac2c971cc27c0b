package results

import "fmt"

// Finding is a reason or a warning, and what to do about it.
type Finding struct {
	What string `json:"what"`
	Hint string `json:"hint"`
}

func (f Finding) String() string {
	if f.Hint == "" {
		return f.What
	}
	return f.What + ": " + f.Hint
}

// Words of a verdict.
const (
	Valid   = "VALID"
	Invalid = "INVALID" // the numbers must not be quoted or averaged
	Quick   = "QUICK"   // nothing is wrong, but it ran too short to be quoted
)

// Verdict says whether the numbers of a trial may be quoted.
type Verdict struct {
	Word    string    `json:"word"`
	Reasons []Finding `json:"reasons"` // of INVALID
}

// MinRate is the share of its scheduled sends that a phase must get
// acknowledged within its own time.
const MinRate = 0.99

// Judge applies the rules to a finished run. It depends on the run alone, so a
// report can judge again what it loads.
func Judge(r *Run) Verdict {
	reasons := append([]Finding{}, r.Faults...)
	for _, p := range r.Phases {
		reasons = append(reasons, judgeRate(p)...)
		reasons = append(reasons, judgeGenerator(p)...)
	}
	if r.Verification.Done {
		reasons = append(reasons, judgeRecords(r.Verification)...)
	} else {
		reasons = append(reasons, judgeOutcomes(r.Counters)...)
	}
	if n := r.Clock.Negative; n > 0 {
		reasons = append(reasons, Finding{
			fmt.Sprintf("the clock check failed: %d times are below zero", n),
			"run producers and consumers on one host, or synchronise the clocks (chrony)",
		})
	}
	switch {
	case len(reasons) > 0:
		return Verdict{Invalid, reasons}
	case r.Quick:
		return Verdict{Quick, reasons}
	}
	return Verdict{Valid, reasons}
}

func judgeRate(p Phase) []Finding {
	if !p.RateChecked || p.Closed || float64(p.Acked) >= MinRate*float64(p.Scheduled) {
		return nil
	}
	return []Finding{{
		fmt.Sprintf("phase %s: %d of %d scheduled sends were acknowledged (%.1f %%, want ≥ %.0f %%)",
			p.Name, p.Acked, p.Scheduled, 100*float64(p.Acked)/float64(p.Scheduled), 100*MinRate),
		"the target does not reach this rate on this machine: stop other work on it, or lower the rate",
	}}
}

// MaxUnknown is the share of sends whose outcome may be unknown: with more,
// the load was another than it says.
const MaxUnknown = 0.01

// judgeOutcomes is all that can be said of records that were not read back: a
// target that refuses them is fast.
func judgeOutcomes(counters map[string]int64) []Finding {
	sent, counted := counters["load.sent"]
	acked, failed := counters["load.acked"], counters["load.failed"]
	if !counted || acked > 0 && float64(failed) <= MaxUnknown*float64(sent) {
		return nil
	}
	return unanswered(acked, failed)
}

func unanswered(acked, unknown int64) []Finding {
	return []Finding{{
		fmt.Sprintf("%d records were acknowledged, and %d were sent without an answer", acked, unknown),
		"the target refused them or was gone for too long: see its log",
	}}
}

func judgeRecords(v Verification) []Finding {
	if float64(v.Unknown) > MaxUnknown*float64(v.Expected+v.Unknown) || v.Expected == 0 {
		return unanswered(v.Expected, v.Unknown)
	}
	if v.OK() {
		return nil
	}
	if v.Overflow {
		return []Finding{{
			"verification gave up: too many gaps or failed sends to keep account of",
			"see the broker's log for what went wrong",
		}}
	}
	return []Finding{{
		fmt.Sprintf("verification: %d lost, %d duplicated, %d reordered, %d corrupt, %d foreign of %d acknowledged records",
			v.Lost, v.Duplicates, v.Reordered, v.Corrupt, v.Foreign, v.Expected),
		"this is a fault of the target; run.json names the first records",
	}}
}

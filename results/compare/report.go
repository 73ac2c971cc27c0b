package compare

import (
	"encoding/json"
	"math"
)

// wantRepeats of each side, for a comparison that may be quoted.
const wantRepeats = 5

// Report is a comparison. It is what --json prints.
type Report struct {
	A           SideSummary  `json:"a"`
	B           SideSummary  `json:"b"`
	Verdict     string       `json:"verdict"`     // the worst of all trials
	Quotable    bool         `json:"quotable"`    // VALID, enough repeats, one environment
	Environment []Difference `json:"environment"` // only with --allow-env-diff
	Warnings    []string     `json:"warnings"`
	Seed        uint64       `json:"seed"`
	Confidence  float64      `json:"confidence"`
	Pairs       []Pair       `json:"pairs"`
}

// SideSummary is what was found on one side.
type SideSummary struct {
	Dir     string `json:"dir"`
	Groups  int    `json:"groups"`  // configurations or cells
	Repeats int    `json:"repeats"` // that were used, of all groups
	Invalid int    `json:"invalid"` // that were left out
}

// Pair is one configuration of A against one of B.
type Pair struct {
	NameA         string       `json:"name_a"`
	NameB         string       `json:"name_b"`
	Configuration []Difference `json:"configuration"`
	Metrics       []Metric     `json:"metrics"`
}

// Metric is one number of both sides. Medians are in the unit that ends its name.
type Metric struct {
	Phase      string `json:"phase,omitempty"`
	Name       string `json:"name"`
	Main       bool   `json:"main"` // shown in the table
	RepeatsA   int    `json:"repeats_a"`
	RepeatsB   int    `json:"repeats_b"`
	A          Number `json:"a"`
	B          Number `json:"b"`
	Ratio      Number `json:"ratio"` // B ÷ A
	Low        Number `json:"ratio_low"`
	High       Number `json:"ratio_high"`
	P          Number `json:"p"`
	Detectable Number `json:"smallest_detectable"` // as a share: 0.05 is 5 %
	Same       bool   `json:"same"`                // differs by less than that
	Word       string `json:"word"`                // ~, ?, better, worse or differs: B against A
}

// Number is a float that is null in JSON where it does not exist.
type Number float64

// MarshalJSON writes null for NaN and infinities, which JSON does not have.
func (n Number) MarshalJSON() ([]byte, error) {
	if f := float64(n); !math.IsNaN(f) && !math.IsInf(f, 0) {
		return json.Marshal(f)
	}
	return []byte("null"), nil
}

package report

import (
	"math"
	"strconv"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tidelog/tide/results"
)

// digest is what a page holds of a trial. A loaded trial has half a megabyte
// for each second and series; its digest has some kilobytes, so that a page of
// a thousand trials is made one trial at a time.
type digest struct {
	ID        string                  `json:"id"`
	Workload  string                  `json:"workload"`
	Target    string                  `json:"target"`
	Arm       int                     `json:"arm"` // index of its configuration; repeats share it
	Class     results.DurabilityClass `json:"class"`
	Flush     string                  `json:"flush"`
	Verdict   string                  `json:"verdict"`
	Simulated []string                `json:"simulated,omitempty"`
	Phases    []phaseDigest           `json:"phases"`
	Time      grid                    `json:"time"`

	rows   []row
	memory memory
	again  string
	href   string // of the trial's own page; "" without one
	config map[string]string
	env    map[string]string
	notes  []string // of INVALID, and warnings
	lacks  string   // the warning of logs that are missing; "" for none
}

// phaseDigest is one phase; Curves are by name of the series.
type phaseDigest struct {
	Name   string           `json:"name"`
	Start  float64          `json:"start"` // seconds
	End    float64          `json:"end"`
	Curves map[string]curve `json:"curves"`
}

// curve is a distribution at the ticks of the page, in ns. It ends at the first
// tick that has less than one value beyond it; the maximum stands there.
type curve struct {
	N      int64   `json:"n"`
	Values []int64 `json:"v"`
}

// ticksPerNine of the axis: enough that no step of a curve is seen.
const ticksPerNine = 20

// maxNines of the axis; a longer run is cut off at 99.99999 %.
const maxNines = 7

// ticks are log10(1 ÷ (1 − quantile)), HdrHistogram's axis, on which each nine
// takes as much room as the one before. The quartile, median and 95 % are among
// them, so that what a person looks for is not interpolated.
func ticks() []float64 {
	var out []float64
	exact := []float64{math.Log10(4.0 / 3), math.Log10(2), math.Log10(4), math.Log10(20)}
	for i := 0; i <= maxNines*ticksPerNine; i++ {
		x := float64(i) / ticksPerNine
		for len(exact) > 0 && exact[0] < x {
			out, exact = append(out, exact[0]), exact[1:]
		}
		out = append(out, x)
	}
	return out
}

func curveOf(h *hdrhistogram.Histogram) curve {
	n := h.TotalCount()
	c := curve{N: n}
	last := math.Log10(float64(n))
	var at []float64
	for _, x := range ticks() {
		if x >= last {
			break
		}
		at = append(at, 100*(1-math.Pow(10, -x)))
	}
	c.Values = h.ValueAtPercentilesSlice(at)
	return curve{N: n, Values: append(c.Values, h.ValueAtPercentile(100))}
}

// overlaid are the series that pages of several trials have.
var overlaid = []results.Series{results.ProduceResponse, results.E2EResponse, results.FetchResponse}

func digestOf(t *results.Trial, series []results.Series, maxPoints int) *digest {
	d := &digest{
		ID: t.Run.ID, Workload: t.Run.Workload, Target: t.Run.Target, Class: t.Run.Durability.Class(),
		Flush: t.Run.Durability.Flush, Verdict: t.Run.Verdict.Word, Simulated: t.Run.Simulated,
		Time: gridOf(t, maxPoints), again: again(t.Run), config: t.Run.Config, env: map[string]string{},
	}
	merged := mergerOf(t)
	for _, p := range t.Run.Phases {
		pd := phaseDigest{Name: p.Name, Start: round(p.Start), End: round(p.End), Curves: map[string]curve{}}
		for _, s := range series {
			if h := merged(s, p.Name); h.TotalCount() > 0 {
				pd.Curves[s.String()] = curveOf(h)
			}
		}
		d.Phases = append(d.Phases, pd)
	}
	for _, f := range t.Run.Verdict.Reasons {
		d.notes = append(d.notes, f.String())
	}
	for _, f := range t.Warnings() {
		d.notes = append(d.notes, f.String())
	}
	if f, some := t.Incomplete(); some {
		d.lacks = f.String()
	}
	for _, p := range lasting(t.Env) {
		d.env[p.Name] = p.Value
	}
	d.rows, d.memory = rowsOf(t, merged), memoryOf(t)
	return d
}

// round to milliseconds.
func round(s float64) float64 { return math.Round(s*1000) / 1000 }

// num is written with four digits; what is not a number becomes null, which
// leaves a gap in a curve.
type num float64

// MarshalJSON never fails.
func (n num) MarshalJSON() ([]byte, error) {
	f := float64(n)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, f, 'g', 4, 64), nil
}

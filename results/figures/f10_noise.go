package figures

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/stats"
)

// F10: how far two equal configurations come out apart on this machine. No
// figure's difference that is smaller means anything.
func init() {
	registerMatrix(MatrixFigure{
		ID: "F10", Matrix: "f10", Title: "F10  A/A: two equal arms, by the machine's own noise",
		pictures: f10Pictures,
		Expected: []Expectation{
			// Of a machine on which anything can be measured at all.
			{"raw writes: A/A difference of medians, IOPS", 0, 0.3, f10Difference("iopath-bench", "iops")},
			{"raw writes: A/A difference of medians, p50", 0, 0.3, f10Difference("iopath-bench", "p50_us")},
			{"log: A/A difference of medians, appends a second", 0, 0.4, f10Difference("wal-bench", "appends_per_s")},
			{"log: A/A difference of medians, p99", 0, 1.5, f10Difference("wal-bench", "p99_us")},
			{"repeats of each arm", 4, 1000, f10Repeats},
		},
	})
}

// f10Numbers of each workload, by key.
var f10Numbers = []struct{ workload, key, label string }{
	{"iopath-bench", "iops", "raw: IOPS"},
	{"iopath-bench", "p50_us", "raw: p50"},
	{"iopath-bench", "p99_us", "raw: p99"},
	{"wal-bench", "appends_per_s", "log: appends/s"},
	{"wal-bench", "p50_us", "log: p50"},
	{"wal-bench", "p99_us", "log: p99"},
}

// arms are the values of both arms of a workload's pairs, in the order of the
// runs.
func arms(run *results.MatrixRun, workload, key string) (a, b []float64) {
	lines := slices.Clone(run.Trials)
	slices.SortStableFunc(lines, func(x, y results.CellTrial) int { return x.Started.Compare(y.Started) })
	paired := map[string]bool{}
	for _, t := range lines {
		paired[t.Cell] = paired[t.Cell] || t.AA
	}
	for _, t := range lines {
		v, ok := t.Number(key)
		switch {
		case !ok || t.Error != "" || t.Workload != workload || !paired[t.Cell]:
		case t.AA:
			b = append(b, v)
		default:
			a = append(a, v)
		}
	}
	return a, b
}

func f10Difference(workload, key string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		d, ok := stats.AADifference(arms(run, workload, key))
		if !ok {
			return 0, ErrNoData
		}
		return d, nil
	}
}

// f10Repeats is how many there are of the arm that has the fewest.
func f10Repeats(run *results.MatrixRun) (float64, error) {
	least := math.Inf(1)
	for _, n := range f10Numbers {
		a, b := arms(run, n.workload, n.key)
		least = min(least, float64(len(a)), float64(len(b)))
	}
	return least, nil
}

func f10Pictures(run *results.MatrixRun) ([]picture, error) {
	p := panel("", "", "÷ median of both arms")
	dots := [2]plotter.XYs{}
	var labels []string
	for _, n := range f10Numbers {
		a, b := arms(run, n.workload, n.key)
		d, ok := stats.AADifference(a, b)
		if !ok {
			continue
		}
		middle := results.Median(append(slices.Clone(a), b...))
		for arm, vs := range [][]float64{a, b} {
			for i, v := range vs {
				x := float64(len(labels)) + 0.3*float64(arm) - 0.25 + 0.2*float64(i)/float64(len(vs))
				dots[arm] = append(dots[arm], plotter.XY{X: x, Y: v / middle})
			}
		}
		labels = append(labels, fmt.Sprintf("%s: A/A %.1f %%, detectable %.0f %%", n.label, 100*d, 100*stats.Detectable(a, b, run.Header.Seed)))
	}
	if len(labels) == 0 {
		return nil, ErrNoData
	}
	pic := picture{
		name: "f10-noise", title: "F10  Two equal arms, each repeat in the order in which it ran", below: caption(run, run.Cells()),
		width: 32 * vg.Centimeter, height: 12 * vg.Centimeter, panels: [][]*plot.Plot{{p}},
	}
	for arm, pts := range dots {
		s, err := plotter.NewScatter(pts)
		if err != nil {
			return nil, err
		}
		s.GlyphStyle = draw.GlyphStyle{Color: hue(arm), Radius: vg.Points(2.2), Shape: draw.CircleGlyph{}}
		p.Add(s)
		pic.legend = append(pic.legend, entry{"arm " + string(rune('A'+arm)), hue(arm), nil})
	}
	p.X.Tick.Marker, p.X.Min, p.X.Max = names(labels), -0.5, float64(len(labels))-0.5
	p.X.Tick.Label.Font.Size = 6
	ratioRow([]*plot.Plot{p})
	return []picture{pic}, nil
}

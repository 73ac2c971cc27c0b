package figures

import (
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/tidelog/tide/results"
)

// F9, as far as one broker goes: partitions and clients. Brokers 1 → 5 wait for
// the cluster.
func init() {
	registerMatrix(MatrixFigure{
		ID: "F9", Matrix: "f9", Title: "F9  Scale of one broker: partitions and clients",
		pictures: f09Pictures,
		Expected: []Expectation{
			// Ends of each axis, with the other at its usual value.
			{"p99 of produce, 10,000 ÷ 16 partitions", 0.3, 60, f09Ends(f09Partitions, f09Open, "produce.response.p99")},
			// Memory hardly grows: 1.7 and 1.9 were found.
			{"peak RSS, 10,000 ÷ 16 partitions", 0.8, 4, f09Ends(f09Partitions, f09Open, "target peak RSS")},
			{"closed loop, 10,000 ÷ 16 partitions: MiB/s", 0.05, 1.5, f09Ends(f09Partitions, f09Closed, "run.acked_mib_per_s")},
			{"p99 of produce, 1,000 ÷ 4 clients", 0.2, 60, f09Ends(f09Clients, f09Open, "produce.response.p99")},
			{"peak RSS, 1,000 ÷ 4 clients", 0.8, 4, f09Ends(f09Clients, f09Open, "target peak RSS")},
			{"closed loop, 1,000 ÷ 4 clients: MiB/s", 0.1, 2, f09Ends(f09Clients, f09Closed, "run.acked_mib_per_s")},
			{"what a trial takes beside its load, 16 partitions and 4 clients, s", 0.2, 3, f09Usually(f09Open, "overhead_s")},
		},
	})
}

const (
	f09Partitions = "load.partitionsPerTopic"
	f09Clients    = "load.producersPerTopic"
	f09Open       = "tail-2k"
	f09Closed     = "closed-1k"
)

// f09Usual is what an axis stands at while the other one is swept.
var f09Usual = map[string]string{f09Partitions: "16", f09Clients: "4"}

// f09Most is the end of an axis. It is named, not looked for: where its trials
// have failed, the largest that is left says nothing about it.
var f09Most = map[string]string{f09Partitions: "10000", f09Clients: "1000"}

// f09Along are the cells in which only one axis leaves its usual value.
func f09Along(cells []results.Cell, axis string) []results.Cell {
	return slices.DeleteFunc(slices.Clone(cells), func(c results.Cell) bool {
		for other, usual := range f09Usual {
			if other != axis && c.Settings[other] != usual {
				return true
			}
		}
		return false
	})
}

// f09Rows of panels.
var f09Rows = []struct {
	label    string
	workload string
	key      string
	entry    entry
	scale    float64
}{
	{"p50 and p99 of produce, ms", f09Open, "produce.response.p99", entry{"2,000 × 1 KiB/s: p99", hue(0), nil}, us},
	{"", f09Open, "produce.response.p50", entry{"p50", hue(0), dashed}, us},
	{"closed loop, MiB/s", f09Closed, "run.acked_mib_per_s", entry{"closed loop: MiB/s", hue(1), nil}, 1},
	{"peak RSS of the broker, MiB", f09Open, "target peak RSS", entry{"2,000/s: RSS", hue(2), nil}, 1},
	{"", f09Closed, "target peak RSS", entry{"closed loop: RSS", hue(3), nil}, 1},
}

func f09Pictures(run *results.MatrixRun) ([]picture, error) {
	cells := run.Cells()
	pic := picture{
		name: "f09-scale", title: "F9  Scale of one broker: partitions (with 4 clients), and clients (with 16 partitions)",
		below: caption(run, cells), width: width, height: 22 * vg.Centimeter,
	}
	drawn := 0
	for _, row := range f09Rows {
		pic.legend = append(pic.legend, row.entry)
		if row.label != "" {
			pic.panels = append(pic.panels, []*plot.Plot{panel("", "partitions", row.label), panel("", "producing clients", row.label)})
		}
		for i, axis := range []string{f09Partitions, f09Clients} {
			p := pic.panels[len(pic.panels)-1][i]
			along := f09Along(cells, axis)
			points := values(along, axis)
			p.X.Tick.Marker, p.X.Min, p.X.Max = names(points), -0.3, float64(len(points))-0.7
			var w whiskers
			for x, v := range points {
				for _, c := range with(ofWorkload(along, row.workload), axis, v) {
					if s, ok := c.Stat(row.key); ok && s.Min > 0 {
						w.add(float64(x), scale(s, row.scale))
						drawn++
					}
				}
			}
			if err := w.draw(p, row.entry); err != nil {
				return nil, err
			}
		}
	}
	if drawn == 0 {
		return nil, ErrNoData
	}
	for _, row := range pic.panels {
		scaleRow(row)
	}
	return []picture{pic}, nil
}

// f09Ends is a number at the end of an axis ÷ that at the usual value.
func f09Ends(axis, workload, key string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		cells := ofWorkload(f09Along(run.Cells(), axis), workload)
		most, errM := number(cells, key, axis, f09Most[axis])
		usual, errU := number(cells, key, axis, f09Usual[axis])
		return ratio(most, errM, usual, errU)
	}
}

// f09Usually is a number with both axes at their usual values.
func f09Usually(workload, key string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		cells := ofWorkload(f09Along(run.Cells(), f09Partitions), workload)
		return number(cells, key, f09Partitions, f09Usual[f09Partitions])
	}
}

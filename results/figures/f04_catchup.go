package figures

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/tidelog/tide/results"
)

// F4: what a reader that catches up does to those who produce meanwhile.
func init() {
	tide, tiered := onlyKind(onTide), onlyKind(onKafkaTiered)
	registerMatrix(MatrixFigure{
		ID: "F4", Matrix: "f4", Title: "F4  Catch-up while producing: p99 of produce and rates over time",
		pictures: f04Pictures,
		Expected: []Expectation{
			// The published shape: producing does not notice the catch-up, which has a
			// disk of its own there. Where the log, the S3 server and the reader share
			// one, 10 to 19 was found (decision 020).
			{"tide: p99 of produce while catching up ÷ undisturbed", 0.2, 25, f04Of(tide, "catch-up p99 ÷ undisturbed")},
			{"tide: acknowledged ÷ due while catching up", 0.99, 1.02, f04Of(tide, "catch-up acked ÷ due")},
			{"tide: records that the catch-up got from objects, %", 95, 100, f04Of(tide, "catch-up from objects")},
			{"Kafka tiered ÷ tide: p99 of produce while catching up", 1.2, 1000, against("catch-up p99", tiered, tide)},
			{"tide ÷ Kafka tiered: rate of the catch-up", 1.1, 100, against("catch-up rate", tide, tiered)},
		},
	})
}

func onlyKind(name string) func([]results.Cell) []results.Cell {
	return func(cells []results.Cell) []results.Cell {
		return append(ofKind(cells, name, true), ofKind(cells, name, false)...)
	}
}

func f04Of(which func([]results.Cell) []results.Cell, key string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) { return medianOf(which(run.Cells()), key) }
}

// f04Curves of the two rows of panels.
var f04Curves = [][]struct {
	points func(*results.Trial) plotter.XYs
	entry  entry
}{
	{{f04P99, entry{"p99 of produce, each second", hue(0), nil}}},
	{
		{f04Rate("acked_mib_per_s"), entry{"acknowledged", hue(2), nil}},
		{f04Rate("caught_up_mib_per_s"), entry{"read by the catch-up", hue(1), nil}},
	},
}

// f04P99 of each interval of the response log that is long enough to have one.
func f04P99(t *results.Trial) plotter.XYs {
	var pts plotter.XYs
	for _, iv := range t.Logs[results.ProduceResponse] {
		if iv.End.Sub(iv.Start).Seconds() < shortest {
			continue
		}
		v := milliseconds(iv.Hist.ValueAtPercentile(99))
		pts = append(pts, plotter.XY{X: iv.Start.Sub(t.Run.Started).Seconds(), Y: v}, plotter.XY{X: iv.End.Sub(t.Run.Started).Seconds(), Y: v})
	}
	return pts
}

func f04Rate(column string) func(*results.Trial) plotter.XYs {
	return func(t *results.Trial) plotter.XYs { return rates(t.Timeline, column) }
}

// f04Pictures has a picture for each workload, with a column for each target:
// the timeline of its first repeat.
func f04Pictures(run *results.MatrixRun) ([]picture, error) {
	var out []picture
	cells := run.Cells()
	for i, w := range workloadsOf(cells) {
		pic, err := f04Picture(run, ofWorkload(cells, w), w)
		if err != nil {
			return nil, err
		}
		pic.name = "f04-catch-up"
		if i > 0 {
			pic.name += "-" + w
		}
		out = append(out, pic)
	}
	if len(out) == 0 {
		return nil, ErrNoData
	}
	return out, nil
}

func f04Picture(run *results.MatrixRun, cells []results.Cell, workload string) (picture, error) {
	pic := picture{
		title: "F4  Catch-up while producing: " + workload + ", one repeat of each", below: caption(run, cells),
		height: 16 * vg.Centimeter, panels: make([][]*plot.Plot, len(f04Curves)),
	}
	for _, row := range f04Curves {
		for _, c := range row {
			pic.legend = append(pic.legend, c.entry)
		}
	}
	for _, on := range targets(cells) {
		for _, c := range onTarget(cells, on) {
			t := firstWhole(run, c)
			if t == nil {
				continue
			}
			if err := f04Column(&pic, t, targetName(on)); err != nil {
				return picture{}, err
			}
		}
	}
	n := len(pic.panels[0])
	if n == 0 {
		return picture{}, fmt.Errorf("%w: no trial has left its timeline", ErrNoData)
	}
	pic.width = max(width, vg.Length(3+9*n)*vg.Centimeter)
	scaleRow(pic.panels[0])
	high := 0.0
	for _, p := range pic.panels[1] {
		high = max(high, p.Y.Max)
	}
	for _, p := range pic.panels[1] {
		p.Y.Min, p.Y.Max = 0, 1.15*high
	}
	for i := range pic.panels[0] {
		pic.panels[0][i].X.Max = pic.panels[1][i].X.Max
	}
	return pic, nil
}

// firstWhole is the first repeat whose directory is there; nil for none.
func firstWhole(run *results.MatrixRun, c results.Cell) *results.Trial {
	for _, line := range c.Trials {
		if t, err := run.LoadTrial(line, results.ProduceResponse); err == nil {
			return t
		}
	}
	return nil
}

// f04Column adds a panel of each row for one trial.
func f04Column(pic *picture, t *results.Trial, name string) error {
	for i, row := range f04Curves {
		title, y := name, "p99, ms"
		if i > 0 {
			title, y = "", "MiB/s"
		}
		p := panel(title, "seconds since the start", y)
		for _, c := range row {
			if err := plainLine(p, c.points(t), c.entry, plotter.PreStep); err != nil {
				return err
			}
		}
		bands(p, t)
		pic.panels[i] = append(pic.panels[i], p)
	}
	return nil
}

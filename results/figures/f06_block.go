package figures

import (
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/tidelog/tide/results"
)

// F6: what a DataBlock's size costs readers of objects, on this machine's disk
// and behind the model of S3.
func init() {
	registerMatrix(MatrixFigure{
		ID: "F6", Matrix: "f6", Title: "F6  DataBlock size: GETs, over-read, index bytes, cold reading and cold fetches",
		pictures: f06Pictures,
		Expected: []Expectation{
			// A catch-up reads what it serves and little else, whatever a block is.
			{"catch-up: bytes got ÷ served, median over cells", 0.9, 1.3, f06Middle("catch-up over-read")},
			// A block is read for each batch of 16 KiB; a few are found in the cache.
			{"single fetches: bytes got ÷ served at the smallest block", 1, 12, f06At("cold-fetches over-read")},
			{"single fetches: over-read at the largest ÷ the smallest block", 5, 150, f06Ends("cold-fetches over-read", false)},
			{"single fetches: GETs each, median over cells", 0.4, 2.1, f06Middle("cold fetch GETs")},
			{"catch-up: index bytes a MiB, smallest ÷ largest block", 5, 150, f06Ends("catch-up index bytes per MiB", true)},
			// Reading ahead takes several small blocks with one GET. One GET a block
			// would be 16 a MiB, and a ratio of 16 and more.
			{"catch-up: GETs a MiB at the smallest block", 0.1, 5, f06At("catch-up GETs per MiB")},
			{"catch-up: GETs a MiB, smallest ÷ largest block", 0.7, 12, f06Ends("catch-up GETs per MiB", true)},
			// The model's first byte comes after 30 ms (median); one GET each, and
			// one more where the index is not there yet.
			{"simulated: p50 of a fetch at the smallest block, ms", 20, 150, f06Milli("fetch.response.p50")},
			{"simulated: p50 of a fetch, largest ÷ smallest block", 0.9, 30, f06Ends("fetch.response.p50", false)},
		},
	})
}

// f06Curve is one key of the results in a panel.
type f06Curve struct {
	key   string
	scale float64
	entry entry
}

// The entries of the legend.
var (
	f06Scan  = entry{"catch-up in order", hue(0), nil}
	f06Fetch = entry{"fetch of one record (p99)", hue(1), nil}
	f06Half  = entry{"fetch of one record (p50)", hue(1), dashed}
)

const us = 1e-3 // ms

// f06Panels in rows.
var f06Panels = [][]struct {
	title, y string
	curves   []f06Curve
}{
	{
		{"cold catch-up", "MiB/s", []f06Curve{{"catch-up", 1, f06Scan}}},
		{"GETs of the catch-up", "GETs per MiB served", []f06Curve{{"catch-up GETs per MiB", 1, f06Scan}}},
		{"index of the catch-up", "bytes per MiB served", []f06Curve{{"catch-up index bytes per MiB", 1, f06Scan}}},
	},
	{
		{"cold fetch of one record", "response, ms", []f06Curve{{"fetch.response.p50", us, f06Half}, {"fetch.response.p99", us, f06Fetch}}},
		{"over-read", "bytes got ÷ served", []f06Curve{{"catch-up over-read", 1, f06Scan}, {"cold-fetches over-read", 1, f06Fetch}}},
		{"GETs of a single fetch", "GETs", []f06Curve{{"cold fetch GETs", 1, f06Fetch}}},
	},
}

func f06Pictures(run *results.MatrixRun) ([]picture, error) {
	return bySimulation(run, f06Cells, f06Picture,
		half{"f06-device", "F6  DataBlock size, objects in a directory of this machine", false},
		half{"f06-simulated", "F6  DataBlock size, objects behind a model of S3", true})
}

// f06Cells with or without a model.
func f06Cells(run *results.MatrixRun, simulated bool) []results.Cell {
	return slices.DeleteFunc(run.Cells(), func(c results.Cell) bool {
		return c.Settings["object-block"] == "" || (c.Simulated != "") != simulated
	})
}

func f06Picture(run *results.MatrixRun, cells []results.Cell, name, title string) (picture, error) {
	blocks := values(cells, "object-block")
	pic := picture{
		name: name, title: title, below: caption(run, cells), legend: []entry{f06Scan, f06Fetch, f06Half},
		width: width, height: 15 * vg.Centimeter,
	}
	drawn := 0
	for _, row := range f06Panels {
		var panels []*plot.Plot
		for _, spec := range row {
			p := panel(spec.title, "DataBlock", spec.y)
			p.X.Tick.Marker, p.X.Min, p.X.Max = names(blocks), -0.3, float64(len(blocks))-0.7
			p.X.Tick.Label.Font.Size = 6.5
			for _, c := range spec.curves {
				n, err := c.draw(p, cells, blocks)
				if err != nil {
					return picture{}, fmt.Errorf("%s: %w", c.key, err)
				}
				drawn += n
			}
			scaleRow([]*plot.Plot{p}) // each panel has a scale of its own
			panels = append(panels, p)
		}
		pic.panels = append(pic.panels, panels)
	}
	if drawn == 0 {
		return picture{}, ErrNoData
	}
	return pic, nil
}

// draw adds the curve to a panel, and tells of how many points. The axis is
// logarithmic: a zero has no place on it.
func (c f06Curve) draw(p *plot.Plot, cells []results.Cell, blocks []string) (int, error) {
	var w whiskers
	for x, b := range blocks {
		for _, cell := range with(cells, "object-block", b) {
			if s, ok := cell.Stat(c.key); ok && s.Min > 0 {
				w.add(float64(x), scale(s, c.scale))
			}
		}
	}
	return len(w.XYs), w.draw(p, c.entry)
}

// f06Middle is the median of a number over all cells.
func f06Middle(key string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		return middle(run.Cells(), func(c results.Cell) (float64, bool) {
			s, ok := c.Stat(key)
			return s.Median, ok
		})
	}
}

// f06At is a number at the smallest block, without a model.
func f06At(key string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		cells := f06Cells(run, false)
		blocks := values(cells, "object-block")
		if len(blocks) == 0 {
			return 0, ErrNoData
		}
		return number(cells, key, "object-block", blocks[0])
	}
}

// f06Milli is a time at the smallest block behind the model, in ms.
func f06Milli(key string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		cells := f06Cells(run, true)
		blocks := values(cells, "object-block")
		if len(blocks) == 0 {
			return 0, ErrNoData
		}
		v, err := number(cells, key, "object-block", blocks[0])
		return v * us, err
	}
}

// f06Ends compares the largest block with the smallest, or the other way round:
// behind the model, whose times do not depend on this machine.
func f06Ends(key string, smallestFirst bool) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		cells := f06Cells(run, true)
		blocks := values(cells, "object-block")
		if len(blocks) < 2 {
			return 0, ErrNoData
		}
		small, errS := number(cells, key, "object-block", blocks[0])
		large, errL := number(cells, key, "object-block", blocks[len(blocks)-1])
		if smallestFirst {
			return ratio(small, errS, large, errL)
		}
		return ratio(large, errL, small, errS)
	}
}

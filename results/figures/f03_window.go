package figures

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/results"
)

// F3: p99 of appends over window and block size, on a modelled volume and on
// the real device.
func init() {
	registerMatrix(MatrixFigure{
		ID: "F3", Matrix: "f3", Title: "F3  p99 of WAL appends by window and block size",
		pictures: f03Pictures,
		Expected: []Expectation{
			// The model's own limits, with room for the bucket that is full when a
			// short run begins.
			{"simulated: highest MiB/s written (the volume has 125)", 20, 170, f03Most("written_mib_per_s")},
			// 3000 I/Os of 8 KiB are 23 MiB/s, if none are merged.
			{"simulated: MiB/s at the largest ÷ the smallest block, widest window, most appenders", 1.2, 50, f03Blocks},
			{"simulated: p99, narrowest ÷ widest window at the same block, median", 0.5, 100, f03Windows(true)},
			{"real: p99, narrowest ÷ widest window at the same block, median", 0.3, 100, f03Windows(false)},
			{"real: p99 ÷ p50, median over cells", 1, 60, f03Tail},
			{"fixed windows of 64MiB: stalls an append", 0, 0.05, f03Stalls},
		},
	})
}

func f03Pictures(run *results.MatrixRun) ([]picture, error) {
	return bySimulation(run, f03Cells, f03Picture,
		half{"f03-simulated", "F3  Simulated gp3: p99 of an append, ms, by window and block", true},
		half{"f03-device", "F3  This device: p99 of an append, ms, by window and block", false})
}

func f03Cells(run *results.MatrixRun, simulated bool) []results.Cell {
	return slices.DeleteFunc(run.Cells(), func(c results.Cell) bool { return (c.Simulated != "") != simulated })
}

// f03Picture has a panel for each number of appenders; all share the colours.
func f03Picture(run *results.MatrixRun, cells []results.Cell, name, title string) (picture, error) {
	low, high := math.Inf(1), 0.0
	for _, c := range cells {
		if s, ok := c.Stat("p99_us"); ok && s.Median > 0 {
			low, high = min(low, s.Median), max(high, s.Median)
		}
	}
	if high == 0 {
		return picture{}, fmt.Errorf("%w: no p99_us", ErrNoData)
	}
	blocks, windows := f03Values(cells, "wal.block"), f03Values(cells, "wal.window")
	appenders := values(cells, "appenders")
	pic := picture{
		name: name, title: title,
		below: append(caption(run, cells), "in each box: p99, its min to max · MiB/s · header writes and window stalls a second. Closed loop, records of "+
			strings.Join(values(cells, "record"), ", ")),
		width:  max(width, vg.Length(len(appenders)*(3+3*len(blocks)))*vg.Centimeter),
		height: vg.Length(5+2*len(windows)) * vg.Centimeter,
	}
	var row []*plot.Plot
	for _, a := range appenders {
		h := &heatMap{columns: labels(blocks, blockLabel), rows: labels(windows, windowLabel), low: low, high: high}
		for x, b := range blocks {
			for y, w := range windows {
				h.boxes = append(h.boxes, f03Box(with(cells, "appenders", a, "wal.block", b, "wal.window", w), x, y))
			}
		}
		row = append(row, h.panel(a+" appenders", "block", "window"))
	}
	pic.panels = [][]*plot.Plot{row}
	return pic, nil
}

func f03Box(cells []results.Cell, x, y int) box {
	b := box{column: x, row: y, lines: []string{"–"}}
	if len(cells) != 1 {
		return b
	}
	c := cells[0]
	p99, ok := c.Stat("p99_us")
	if !ok || p99.Median <= 0 {
		return b
	}
	b.value = p99.Median
	b.lines = []string{milli(p99.Median), milli(p99.Min) + " to " + milli(p99.Max)}
	if s, ok := c.Stat("mib_per_s"); ok {
		b.lines = append(b.lines, digits(s.Median)+" MiB/s")
	}
	headers, okH := c.Stat("header_writes")
	stalls, okS := c.Stat("window_stalls")
	if d, ok := c.Stat("duration_s"); ok && d.Median > 0 && okH && okS {
		b.lines = append(b.lines, digits(headers.Median/d.Median)+" hdr · "+digits(stalls.Median/d.Median)+" stalls")
	}
	return b
}

func milli(us float64) string { return digits(us / 1000) }

// digits prints three of them, and all of a larger whole number.
func digits(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// f03Values sorts by the bound, which is the last of a list, and puts what
// grows after what is fixed.
func f03Values(cells []results.Cell, axis string) []string {
	out := values(cells, axis)
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Count(a, ","), strings.Count(b, ",")), cmp.Compare(bound(a), bound(b)), cmp.Compare(a, b))
	})
	return out
}

func bound(list string) int64 {
	n, err := units.ParseSize(list[strings.LastIndexByte(list, ',')+1:])
	if err != nil {
		return 0
	}
	return n
}

func labels(values []string, of func(string) string) []string {
	var out []string
	for _, v := range values {
		out = append(out, of(v))
	}
	return out
}

func windowLabel(v string) string {
	if p := strings.Split(v, ","); len(p) == 3 {
		return p[0] + " to " + p[2] + "\nby " + p[1]
	}
	return v
}

// blockLabel leaves out a hard size that is the soft one.
func blockLabel(v string) string {
	if p := strings.Split(v, ","); len(p) == 2 && p[0] == p[1] {
		return p[0]
	}
	return v
}

func f03Most(key string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		most := 0.0
		for _, c := range f03Cells(run, true) {
			if s, ok := c.Stat(key); ok {
				most = max(most, s.Median)
			}
		}
		if most == 0 {
			return 0, ErrNoData
		}
		return most, nil
	}
}

// fixed windows among all, narrowest first.
func fixed(windows []string) []string {
	return slices.DeleteFunc(windows, func(w string) bool { return strings.Contains(w, ",") })
}

func f03Blocks(run *results.MatrixRun) (float64, error) {
	cells := f03Cells(run, true)
	blocks, windows, appenders := f03Values(cells, "wal.block"), fixed(f03Values(cells, "wal.window")), values(cells, "appenders")
	if len(blocks) < 2 || len(windows) == 0 || len(appenders) == 0 {
		return 0, ErrNoData
	}
	of := func(block string) (float64, error) {
		return number(cells, "mib_per_s", "wal.block", block, "wal.window", windows[len(windows)-1], "appenders", appenders[len(appenders)-1])
	}
	a, errA := of(blocks[len(blocks)-1])
	b, errB := of(blocks[0])
	return ratio(a, errA, b, errB)
}

func f03Windows(simulated bool) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		cells := f03Cells(run, simulated)
		windows := fixed(f03Values(cells, "wal.window"))
		if len(windows) < 2 {
			return 0, ErrNoData
		}
		return middle(with(cells, "wal.window", windows[0]), func(c results.Cell) (float64, bool) {
			a, errA := number([]results.Cell{c}, "p99_us")
			b, errB := number(cells, "p99_us", "wal.window", windows[len(windows)-1],
				"wal.block", c.Settings["wal.block"], "appenders", c.Settings["appenders"])
			r, err := ratio(a, errA, b, errB)
			return r, err == nil
		})
	}
}

func f03Tail(run *results.MatrixRun) (float64, error) {
	return middle(f03Cells(run, false), func(c results.Cell) (float64, bool) {
		a, errA := number([]results.Cell{c}, "p99_us")
		b, errB := number([]results.Cell{c}, "p50_us")
		r, err := ratio(a, errA, b, errB)
		return r, err == nil
	})
}

// f03Stalls: such a window is wider than all that is ever in flight here, so a
// stall would be a fault of the window and not of its size.
func f03Stalls(run *results.MatrixRun) (float64, error) {
	return middle(with(run.Cells(), "wal.window", "64MiB"), func(c results.Cell) (float64, bool) {
		stalls, errA := number([]results.Cell{c}, "window_stalls")
		appends, errB := number([]results.Cell{c}, "appends")
		r, err := ratio(stalls, errA, appends, errB)
		return r, err == nil
	})
}

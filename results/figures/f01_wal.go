package figures

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/results"
)

// F1: raw writes, by the way of making them, block size and depth, with fio
// beside each cell.
func init() {
	registerMatrix(MatrixFigure{
		ID: "F1", Matrix: "f1", Title: "F1  Raw WAL writes by path, block size and depth, with fio beside",
		pictures: f01Pictures,
		Expected: []Expectation{
			{"uring ÷ fio batched io_uring, median over cells", 0.7, 1.5, f01ToFio("uring")},
			{"pwrite ÷ fio psync × depth, median over cells", 0.6, 1.6, f01ToFio("pwrite")},
			{"fsync ÷ fio psync × depth with fdatasync, median over cells", 0.5, 2, f01ToFio("fsync")},
			// A flush of the file system's making beside the data write: slower
			// than DSYNC, but never by an order of magnitude on a healthy disk.
			{"fsync ÷ pwrite, IOPS at 4KiB, depth 1", 0.1, 1.4, f01Against("iops", "fsync", "pwrite")},
			{"uring: IOPS at 4KiB, depth 64 ÷ depth 1", 1.5, 64, f01Depth("uring")},
			{"pwrite: IOPS at 4KiB, depth 64 ÷ depth 1", 1.2, 64, f01Depth("pwrite")},
			{"uring: p99 ÷ p50 at 4KiB, depth 1", 1, 20, f01Tail("uring")},
			{"pwrite: p99 ÷ p50 at 4KiB, depth 1", 1, 20, f01Tail("pwrite")},
		},
	})
}

// f01Paths in the order of the legend; a path's fio job has its colour, dashed.
var f01Paths = []string{"uring", "pwrite", "fsync"}

// f01Fio is the job that stands beside a path, and what its keys begin with.
var f01Fio = map[string]struct{ name, prefix string }{
	"uring":  {"fio io_uring", "fio_"},
	"pwrite": {"fio psync × depth", "fio_psync_"},
	"fsync":  {"fio psync × depth, fdatasync", "fio_psync_"},
}

// f01Row is one row of panels.
type f01Row struct {
	label string
	// value of a path, with prefix "", or of the fio job beside it.
	value   func(c results.Cell, prefix string) (results.Stat, bool)
	withFio bool
	// A ratio lies about 1, on a linear axis; all else has a logarithmic one.
	isRatio bool
}

func f01Pictures(run *results.MatrixRun) ([]picture, error) {
	var out []picture
	for _, p := range []struct {
		name, title string
		rows        []f01Row
	}{
		{"f01-throughput", "F1  Throughput over depth, by block size", []f01Row{
			{label: "MiB/s", value: mibPerSecond, withFio: true}, {label: "÷ its fio job", value: toFio, isRatio: true},
		}},
		{"f01-latency", "F1  Latency over depth, by block size", []f01Row{
			{label: "p50, ms", value: latency("p50_us"), withFio: true},
			{label: "p99, ms", value: latency("p99_us"), withFio: true},
			{label: "p99.9, ms", value: latency("p999_us")},
		}},
		{"f01-cpu", "F1  CPU per GiB over depth, by block size", []f01Row{{label: "CPU s per GiB", value: cpuPerGiB, withFio: true}}},
	} {
		pic, err := f01Picture(run, p.name, p.title, p.rows)
		if err != nil {
			return nil, err
		}
		out = append(out, pic)
	}
	return out, nil
}

func f01Picture(run *results.MatrixRun, name, title string, rows []f01Row) (picture, error) {
	cells := run.Cells()
	blocks, depths := values(cells, "block"), values(cells, "depth")
	if len(blocks) == 0 || len(depths) == 0 {
		return picture{}, ErrNoData
	}
	pic := picture{
		name: name, title: title, below: caption(run, cells),
		width:  vg.Length(4+5*len(blocks)) * vg.Centimeter,
		height: vg.Length(4+5*len(rows)) * vg.Centimeter,
	}
	pic.width = max(pic.width, width)
	for _, row := range rows {
		var panels []*plot.Plot
		for _, b := range blocks {
			p, err := f01Panel(with(cells, "block", b), row, "depth", depths)
			if err != nil {
				return picture{}, err
			}
			p.Title.Text = "block " + b
			panels = append(panels, p)
		}
		if row.isRatio {
			ratioRow(panels)
		} else {
			scaleRow(panels)
		}
		pic.panels = append(pic.panels, panels)
	}
	for i, path := range f01Paths {
		pic.legend = append(pic.legend, entry{path, hue(i), nil})
		pic.legend = append(pic.legend, entry{f01Fio[path].name, hue(i), dashed})
	}
	return pic, nil
}

// f01Panel has one curve a path, and one of its fio job, over an axis of the
// matrix. Its values stand at equal distances, as they are powers of two or
// nearly so.
func f01Panel(cells []results.Cell, row f01Row, axis string, points []string) (*plot.Plot, error) {
	p := panel("", axis, row.label)
	var ticks plot.ConstantTicks
	for x, d := range points {
		ticks = append(ticks, plot.Tick{Value: float64(x), Label: d})
	}
	p.X.Tick.Marker, p.X.Min, p.X.Max = ticks, -0.3, float64(len(points))-0.7
	for i, path := range f01Paths {
		var own, fio whiskers
		for x, d := range points {
			for _, c := range with(cells, "wal.path", path, axis, d) {
				if s, ok := row.value(c, ""); ok && s.Min > 0 { // the axis is logarithmic
					own.add(float64(x), s)
				}
				if s, ok := row.value(c, f01Fio[path].prefix); row.withFio && ok && s.Min > 0 {
					fio.add(float64(x), s)
				}
			}
		}
		if err := own.draw(p, entry{path, hue(i), nil}); err != nil {
			return nil, err
		}
		if err := fio.draw(p, entry{path, hue(i), dashed}); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// values of an axis that occur, by size.
func values(cells []results.Cell, axis string) []string {
	seen := map[string]bool{}
	for _, c := range cells {
		seen[c.Settings[axis]] = true
	}
	delete(seen, "")
	out := sortedKeys(seen)
	slices.SortStableFunc(out, func(a, b string) int {
		x, _ := units.ParseSize(a)
		y, _ := units.ParseSize(b)
		return cmp.Compare(x, y)
	})
	return out
}

func scale(s results.Stat, by float64) results.Stat {
	return results.Stat{Median: s.Median * by, Min: s.Min * by, Max: s.Max * by, N: s.N}
}

func blockBytes(c results.Cell) float64 {
	n, err := units.ParseSize(c.Settings["block"])
	if err != nil {
		return math.NaN() // a matrix is checked before it runs
	}
	return float64(n)
}

func mibPerSecond(c results.Cell, prefix string) (results.Stat, bool) {
	s, ok := c.Stat(prefix + "iops")
	return scale(s, blockBytes(c)/float64(units.MiB)), ok
}

// latency in ms. fio times a write and its fdatasync apart, so of a
// write that is durable only with both it has none to be put beside ours.
func latency(key string) func(results.Cell, string) (results.Stat, bool) {
	return func(c results.Cell, prefix string) (results.Stat, bool) {
		s, ok := c.Stat(prefix + key)
		return scale(s, 1e-3), ok && (prefix == "" || c.Text("durability") != "fdatasync")
	}
}

func cpuPerGiB(c results.Cell, prefix string) (results.Stat, bool) {
	s, ok := c.Stat(prefix + "cpu_us_per_io")
	return scale(s, float64(units.GiB)/blockBytes(c)/1e6), ok
}

// toFio is the ratio within each trial, whose two halves ran one right after
// the other: the noise of minutes is not in it.
func toFio(c results.Cell, _ string) (results.Stat, bool) {
	f, has := f01Fio[c.Settings["wal.path"]]
	var vs []float64
	for _, t := range c.Trials {
		own, ok := t.Number("iops")
		beside, okFio := t.Number(f.prefix + "iops")
		if has && ok && okFio && beside > 0 {
			vs = append(vs, own/beside)
		}
	}
	if len(vs) == 0 {
		return results.Stat{}, false
	}
	m := results.Median(vs) // sorts
	return results.Stat{Median: m, Min: vs[0], Max: vs[len(vs)-1], N: len(vs)}, true
}

func f01ToFio(path string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		v, err := middle(with(run.Cells(), "wal.path", path), func(c results.Cell) (float64, bool) {
			s, ok := toFio(c, "")
			return s.Median, ok
		})
		if err != nil {
			return 0, fmt.Errorf("%w of %s beside fio", err, path)
		}
		return v, nil
	}
}

func f01Against(key, path, other string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		a, errA := number(run.Cells(), key, "wal.path", path, "block", "4KiB", "depth", "1")
		b, errB := number(run.Cells(), key, "wal.path", other, "block", "4KiB", "depth", "1")
		return ratio(a, errA, b, errB)
	}
}

func f01Depth(path string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		a, errA := number(run.Cells(), "iops", "wal.path", path, "block", "4KiB", "depth", "64")
		b, errB := number(run.Cells(), "iops", "wal.path", path, "block", "4KiB", "depth", "1")
		return ratio(a, errA, b, errB)
	}
}

func f01Tail(path string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		a, errA := number(run.Cells(), "p99_us", "wal.path", path, "block", "4KiB", "depth", "1")
		b, errB := number(run.Cells(), "p50_us", "wal.path", path, "block", "4KiB", "depth", "1")
		return ratio(a, errA, b, errB)
	}
}

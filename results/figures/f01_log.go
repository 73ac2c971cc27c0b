package figures

import (
	"math"

	"github.com/tidelog/tide/results"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// F1L: the log above the paths of F1, by the number of appenders, with fio
// beside each cell.
func init() {
	registerMatrix(MatrixFigure{
		ID: "F1L", Matrix: "f1l", Title: "F1L  WAL appends by path and number of appenders, with fio beside",
		pictures: f01LogPictures,
		Expected: []Expectation{
			{"uring: p50 of one appender ÷ fio's 4 KiB at depth 1", 0.7, 1.5, f01LogP50("uring")},
			{"pwrite: p50 of one appender ÷ fio's 4 KiB at depth 1", 0.7, 1.5, f01LogP50("pwrite")},
			// A closed loop lets the device wait while its appenders are woken and
			// append again: on a fast device that is a fifth of the time and more.
			{"uring: bytes written a second ÷ fio's of the same mean write and depth, 64 appenders", 0.5, 1.2, f01LogToFio("uring", "64")},
			{"pwrite: the same", 0.5, 1.2, f01LogToFio("pwrite", "64")},
			{"uring: the same with 256 appenders", 0.4, 1.2, f01LogToFio("uring", "256")},
			{"uring ÷ pwrite: appends a second, 64 appenders", 0.5, 2, f01LogAgainst("appends_per_s")},
			{"uring ÷ pwrite: CPU an append, 64 appenders", 0.4, 2, f01LogAgainst("cpu_us_per_append")},
			{"uring: p99 ÷ p50, 64 appenders", 1, 5, f01LogTail("uring")},
			{"pwrite: p99 ÷ p50, 64 appenders", 1, 5, f01LogTail("pwrite")},
			{"uring: appends a second, 64 appenders ÷ 1", 8, 64, f01LogGain},
		},
	})
}

func f01LogPictures(run *results.MatrixRun) ([]picture, error) {
	cells := run.Cells()
	appenders := values(cells, "appenders")
	if len(appenders) == 0 {
		return nil, ErrNoData
	}
	var panels []*plot.Plot
	for _, row := range []f01Row{
		{label: "MiB/s written", value: logMiBPerSecond, withFio: true},
		{label: "p50, ms", value: latency("p50_us")},
		{label: "p99, ms", value: latency("p99_us")},
		{label: "CPU µs an append", value: logCPU},
	} {
		p, err := f01Panel(cells, row, "appenders", appenders)
		if err != nil {
			return nil, err
		}
		scaleRow([]*plot.Plot{p})
		panels = append(panels, p)
	}
	pic := picture{
		name: "f01-log", title: "F1L  WAL appends over the number of appenders", below: caption(run, cells),
		width: 26 * vg.Centimeter, height: 10 * vg.Centimeter, panels: [][]*plot.Plot{panels},
	}
	for i, path := range f01Paths {
		pic.legend = append(pic.legend, entry{path, hue(i), nil}, entry{f01Fio[path].name, hue(i), dashed})
	}
	return []picture{pic}, nil
}

// walBlock is the unit of the writes of both, in bytes.
const walBlock = 4096

// logMiBPerSecond is what reached the device; fio's writes are of the log's mean
// size, rounded up to whole blocks of 4 KiB.
func logMiBPerSecond(c results.Cell, prefix string) (results.Stat, bool) {
	if prefix == "" {
		return c.Stat("written_mib_per_s")
	}
	s, ok := c.Stat(prefix + "iops")
	size, okSize := c.Stat("mean_write_bytes")
	return scale(s, math.Ceil(size.Median/walBlock)*walBlock/(1<<20)), ok && okSize
}

func logCPU(c results.Cell, _ string) (results.Stat, bool) { return c.Stat("cpu_us_per_append") }

// f01LogP50 is to the fio job of the path's own kind, in the same trials.
func f01LogP50(path string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		own, err := number(run.Cells(), "p50_us", "wal.path", path, "appenders", "1")
		fio, errFio := number(run.Cells(), f01Fio[path].prefix+"p50_us", "wal.path", path, "appenders", "1")
		return ratio(own, err, fio, errFio)
	}
}

func f01LogToFio(path, appenders string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		return number(run.Cells(), "ratio", "wal.path", path, "appenders", appenders)
	}
}

func f01LogAgainst(key string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		u, errU := number(run.Cells(), key, "wal.path", "uring", "appenders", "64")
		p, errP := number(run.Cells(), key, "wal.path", "pwrite", "appenders", "64")
		return ratio(u, errU, p, errP)
	}
}

func f01LogTail(path string) func(*results.MatrixRun) (float64, error) {
	return func(run *results.MatrixRun) (float64, error) {
		a, errA := number(run.Cells(), "p99_us", "wal.path", path, "appenders", "64")
		b, errB := number(run.Cells(), "p50_us", "wal.path", path, "appenders", "64")
		return ratio(a, errA, b, errB)
	}
}

func f01LogGain(run *results.MatrixRun) (float64, error) {
	a, errA := number(run.Cells(), "appends_per_s", "wal.path", "uring", "appenders", "64")
	b, errB := number(run.Cells(), "appends_per_s", "wal.path", "uring", "appenders", "1")
	return ratio(a, errA, b, errB)
}

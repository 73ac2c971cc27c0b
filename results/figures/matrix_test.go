package figures_test

import (
	"bytes"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/figures"
)

// write makes a matrix directory of three repeats a cell.
func write(t *testing.T, header results.MatrixHeader, cells []results.CellTrial) *results.MatrixRun {
	dir := t.TempDir()
	env := results.Env{Kernel: results.KernelInfo{Release: "6.0"}, Filesystem: "ext4", Device: results.Device{Name: "vda", WriteCache: "write back"}}
	w, _, err := results.OpenMatrix(dir, header, env)
	require.NoError(t, err)
	for i, c := range cells {
		c.Cell = fmt.Sprint(i)
		for c.Repeat = 1; c.Repeat <= 3; c.Repeat++ {
			scaled := map[string]any{}
			for k, v := range c.Result {
				if f, ok := v.(float64); ok {
					v = f * (0.8 + 0.1*float64(c.Repeat))
				}
				scaled[k] = v
			}
			line := c
			line.Result = scaled
			require.NoError(t, w.Append(line))
			if i == 0 {
				line.AA = true
				require.NoError(t, w.Append(line))
			}
		}
	}
	require.NoError(t, w.Append(results.CellTrial{Cell: "failed", Repeat: 1, Error: "no such device"}))
	require.NoError(t, w.Close())
	run, err := results.LoadMatrix(dir)
	require.NoError(t, err)
	return run
}

// f1 is a device of 100 µs a write that does 64 at once, at most 1 GiB/s.
func f1(t *testing.T) *results.MatrixRun {
	var cells []results.CellTrial
	for i, path := range []string{"uring", "pwrite", "fsync"} {
		for _, block := range []int64{4 << 10, 64 << 10, 1 << 20} {
			for _, depth := range []float64{1, 8, 64} {
				slower := 1 + float64(i)/4
				iops := min(depth*10_000, float64(1<<30)/float64(block)) / slower
				p50 := depth / iops * 1e6
				cells = append(cells, results.CellTrial{
					Workload: "iopath-bench",
					Settings: map[string]string{"wal.path": path, "block": units.Size(block), "depth": fmt.Sprint(depth), "duration": "1s"},
					Result: map[string]any{
						"iops": iops, "mib_per_s": iops * float64(block) / (1 << 20), "p50_us": p50, "p99_us": 2 * p50, "p999_us": 5 * p50,
						"cpu_us_per_io": 20.0, "durability": "dsync", "fio_iops": iops * 1.05, "fio_psync_iops": iops * 0.95, "fio_p50_us": p50, "fio_psync_p99_us": 2 * p50,
					},
				})
			}
		}
	}
	return write(t, results.MatrixHeader{Name: "f1", Metric: "iops", Quick: true}, cells)
}

// f1l is a log whose writes take 100 µs, and hold all of its appenders' records.
func f1l(t *testing.T) *results.MatrixRun {
	var cells []results.CellTrial
	for i, path := range []string{"uring", "pwrite", "fsync"} {
		for _, appenders := range []float64{1, 64, 256} {
			cycle := 100 + appenders*0.3 + float64(i) // µs
			size := math.Ceil(appenders*1081/4096) * 4096
			cells = append(cells, results.CellTrial{
				Workload: "wal-bench",
				Settings: map[string]string{"wal.path": path, "appenders": fmt.Sprint(appenders), "record": "1KiB", "duration": "1s"},
				Result: map[string]any{
					"appends_per_s": appenders / cycle * 1e6, "written_mib_per_s": size / cycle * 1e6 / (1 << 20), "mean_write_bytes": size,
					"p50_us": cycle, "p99_us": 2 * cycle, "cpu_us_per_append": 1.0 + float64(i)/10, "durability": "dsync",
					"fio_iops": 10000.0, "fio_psync_iops": 10000.0, "fio_p50_us": 100.0, "fio_psync_p50_us": 100.0, "ratio": 100 / cycle,
				},
			})
		}
	}
	return write(t, results.MatrixHeader{Name: "f1l", Metric: "appends_per_s"}, cells)
}

// f3 is a volume of 3000 writes and 125 MiB a second, and a device of 10 times that.
func f3(t *testing.T) *results.MatrixRun {
	var cells []results.CellTrial
	for speed, model := range map[float64]string{1: "gp3-3000", 10: ""} {
		for _, window := range []string{"64KiB", "1MiB", "64MiB", "64KiB,256KiB,64MiB"} {
			for _, block := range []string{"8KiB,8KiB", "64KiB,64KiB", "1MiB,1MiB"} {
				if window == "64KiB" && block == "1MiB,1MiB" {
					continue
				}
				for _, appenders := range []float64{64, 1024} {
					size, _ := units.ParseSize(block[strings.IndexByte(block, ',')+1:])
					mib := speed * min(125, 3000*float64(size)/(1<<20))
					p99 := appenders * 4096 / (mib * (1 << 20)) * 1e6
					cells = append(cells, results.CellTrial{
						Workload: "wal-bench", Simulated: model,
						Settings: map[string]string{"wal.window": window, "wal.block": block, "appenders": fmt.Sprint(appenders), "record": "4KiB", "duration": "2s"},
						Result: map[string]any{
							"mib_per_s": mib, "p50_us": p99 / 2, "p99_us": p99, "header_writes": 3.0, "window_stalls": math.Trunc(1e4 / p99),
							"written_mib_per_s": mib, "appends": mib * 512, "duration_s": 2.0, "durability": "dsync",
						},
					})
				}
			}
		}
	}
	return write(t, results.MatrixHeader{Name: "f3", Metric: "p99_us"}, cells)
}

// f6 is a store whose GETs take 1 ms, or 30 ms behind the model, and 80 MiB/s;
// records of 16 KiB.
func f6(t *testing.T) *results.MatrixRun {
	var cells []results.CellTrial
	for first, model := range map[float64]string{1e3: "", 30e3: "gp3-3000"} {
		for _, block := range []string{"64KiB", "512KiB", "4MiB"} {
			size, _ := units.ParseSize(block)
			perMiB := float64(1<<20) / float64(size)
			p50 := first + float64(size)/(80<<20)*1e6
			cells = append(cells, results.CellTrial{
				Workload: "cold-blocks", Simulated: model,
				Settings: map[string]string{"object-block": block, "store.model": model},
				Result: map[string]any{
					"catch-up": 100.0, "catch-up GETs per MiB": min(1, perMiB), "catch-up over-read": 1.0, "catch-up index bytes per MiB": 36 * perMiB,
					"cold-fetches over-read": float64(size) / (16 << 10), "cold fetch GETs": 1.1, "fetch.response.p50": p50, "fetch.response.p99": 3 * p50,
					"durability": "dsync", "simulated": inItsWords(model),
				},
			})
		}
	}
	return write(t, results.MatrixHeader{Name: "f6", Metric: "fetch.response.p99"}, cells)
}

// inItsWords is a model that describes itself in more letters than a line has.
func inItsWords(model string) string {
	if model == "" {
		return ""
	}
	return model + " (" + strings.Repeat("a guess, ", 30) + "to be calibrated)"
}

// TestMatrixFigures: every figure is drawn from its files alone, carries its
// labels, and finds the shape that the made-up numbers have.
func TestMatrixFigures(t *testing.T) {
	made := map[string]*results.MatrixRun{"f1": f1(t), "f1l": f1l(t), "f3": f3(t), "f6": f6(t), "f2": f2(t), "f4": f4(t), "f8": f8(t), "f9": f9(t), "f10": f10(t), "f5": f5(t), "f5l": f5l(t)}
	for _, f := range figures.OfMatrices() {
		run := made[f.Matrix]
		if run == nil {
			t.Fatalf("%s has no made-up results in this test", f.ID)
		}
		drawn, err := f.Draw(run)
		require.NoError(t, err)
		require.NotEmpty(t, drawn)
		for _, d := range drawn {
			svg := string(d.SVG)
			if f.ID != "F5" { // nothing is written there
				require.Contains(t, svg, "dsync", "%s: durability", d.Name)
			}
			require.Contains(t, svg, "1 trials FAILED", d.Name)
			require.Equal(t, strings.Contains(d.Name, "simulated"), strings.Contains(svg, "SIMULATED: gp3-3000"), d.Name)
			require.Equal(t, d.Name == "f06-simulated", strings.Contains(svg, "to be calibrated)"), "%s: the caption is whole", d.Name)
			require.Equal(t, run.Header.Quick, strings.Contains(svg, "QUICK"), d.Name)
			_, err := png.Decode(bytes.NewReader(d.PNG))
			require.NoError(t, err)
			require.FileExists(t, filepath.Join(run.Dir, "figures", d.Name+".svg"))
			require.FileExists(t, filepath.Join(run.Dir, "figures", d.Name+".png"))
			if dir := os.Getenv("KEEP_FIGURES"); dir != "" { // for people to look at
				require.NoError(t, os.WriteFile(filepath.Join(dir, d.Name+".png"), d.PNG, 0o600))
			}
		}
		for _, o := range f.Check(run) {
			require.True(t, o.OK(), "%s: %s = %v (%v to %v): %v", f.ID, o.What, o.Value, o.Low, o.High, o.Err)
		}
	}
}

// TestExpectationsCanFail: no data is a failure, and so is another shape.
func TestExpectationsCanFail(t *testing.T) {
	empty := write(t, results.MatrixHeader{Name: "empty", Metric: "iops"}, nil)
	for _, f := range figures.OfMatrices() {
		_, err := f.Draw(empty)
		require.ErrorIs(t, err, figures.ErrNoData, f.ID)
		for _, o := range f.Check(empty) {
			require.False(t, o.OK(), "%s: %s", f.ID, o.What)
		}
	}
	run := f1(t)
	for i := range run.Trials {
		if run.Trials[i].Settings["wal.path"] == "uring" {
			run.Trials[i].Result["iops"] = 1.0
		}
	}
	outcomes := figures.OfMatrices()[0].Check(run)
	require.False(t, outcomes[0].OK())
	require.True(t, outcomes[1].OK())
}

package resultstest

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/tidelog/tide/results"
)

// The axes of WriteMatrix.
var (
	MatrixPaths   = []string{"pwrite", "uring", "mem"} // mem is not durable
	MatrixWindows = []string{"256KiB", "4MiB", "64MiB"}
	MatrixBlocks  = []string{"16KiB", "64KiB"}
)

// MatrixRepeats of each cell of WriteMatrix.
const MatrixRepeats = 3

// WriteMatrix fills dir with a matrix of 18 cells whose numbers are known, and
// the directories of the trials of its first cell:
//
//	p99_us      1000 × (1 + index of window) × (2 on uring) + repeat
//	mib_per_s   100 ÷ (1 + index of window), 300 on mem
//	usd_per_gib 0.10, and half of it with the larger block
//
// One trial failed, and one is INVALID with a p99 that would spoil its cell.
func WriteMatrix(t testing.TB, dir string) *results.MatrixRun {
	t.Helper()
	header := results.MatrixHeader{Name: "wal", Seed: 7, Cells: 18, Trials: 18*MatrixRepeats + 1, Metric: "p99_us", Started: Started}
	w, _, err := results.OpenMatrix(dir, header, results.Env{Kernel: results.KernelInfo{Release: "6.0"}})
	check(t, err)
	for p, path := range MatrixPaths {
		for i, window := range MatrixWindows {
			for b, block := range MatrixBlocks {
				for repeat := range MatrixRepeats {
					c := matrixTrial(p, i, b, repeat)
					c.Settings = map[string]string{"wal.path": path, "wal.window": window, "wal.block": block, "quick": "false"}
					if p+i+b == 0 {
						id := fmt.Sprintf("trial-%d", repeat)
						Write(t, filepath.Join(dir, "trials", id))
						c.Result["trial"] = id
					}
					check(t, w.Append(c))
				}
			}
		}
	}
	pair := matrixTrial(0, 0, 0, 0)
	pair.AA, pair.Result["p99_us"] = true, 1050.0
	check(t, w.Append(pair))
	check(t, w.Close())
	run, err := results.LoadMatrix(dir)
	check(t, err)
	return run
}

func matrixTrial(path, window, block, repeat int) results.CellTrial {
	p99 := 1000*float64(1+window) + float64(repeat)
	rate := 100 / float64(1+window)
	flush := "dsync"
	switch MatrixPaths[path] {
	case "uring":
		p99 *= 2
	case "mem":
		rate, flush = 300, "none"
	}
	c := results.CellTrial{
		Cell: fmt.Sprintf("%d%d%d", path, window, block), Repeat: repeat + 1, Workload: "wal-bench", Started: Started,
		Command: "tide wal bench --wal WAL",
		Result: map[string]any{
			"p99_us": p99, "mib_per_s": rate, "usd_per_gib": 0.1 / float64(1+block), "durability": flush, "verdict": results.Valid, "same": 1.0,
		},
	}
	switch {
	case path == 1 && window == 1 && block == 1 && repeat == 0:
		c.Result, c.Error = nil, "it broke"
	case path == 1 && window == 2 && block == 1 && repeat == 0:
		c.Result["verdict"], c.Result["p99_us"] = results.Invalid, 1e9
	}
	return c
}

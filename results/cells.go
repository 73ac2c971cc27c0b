package results

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
)

// Cell is one combination of a matrix with all its good repeats.
type Cell struct {
	ID        string
	Workload  string
	Settings  map[string]string
	Simulated string
	Trials    []CellTrial // without failed and INVALID ones and without the second arm of A/A
	Invalid   int         // how many are left out for their verdict
}

// Stat sums up a number over the repeats of a cell.
type Stat struct {
	Median, Min, Max float64
	N                int
}

// Cells groups the trials. A cell of which every trial failed is left out:
// Failed names it.
func (m *MatrixRun) Cells() []Cell {
	byID, invalid := map[string]*Cell{}, map[string]int{}
	for _, t := range m.Trials {
		if t.Invalid() && !t.AA {
			invalid[t.Cell]++
		}
		if t.Error != "" || t.AA {
			continue
		}
		c := byID[t.Cell]
		if c == nil {
			c = &Cell{ID: t.Cell, Workload: t.Workload, Settings: t.Settings, Simulated: t.Simulated}
			byID[t.Cell] = c
		}
		c.Trials = append(c.Trials, t)
	}
	var cells []Cell
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		byID[id].Invalid = invalid[id]
		cells = append(cells, *byID[id])
	}
	return cells
}

// Stat of the numbers under a key of the result; false when no trial has it.
func (c Cell) Stat(key string) (Stat, bool) { return statOf(c.Trials, key) }

// Text under a key of the result, of the first trial.
func (c Cell) Text(key string) string {
	s, _ := c.Trials[0].Result[key].(string)
	return s
}

func statOf(trials []CellTrial, key string) (Stat, bool) {
	var vs []float64
	for _, t := range trials {
		if v, ok := t.Number(key); ok {
			vs = append(vs, v)
		}
	}
	if len(vs) == 0 {
		return Stat{}, false
	}
	slices.Sort(vs)
	return Stat{Median: Median(vs), Min: vs[0], Max: vs[len(vs)-1], N: len(vs)}, true
}

// Median of at least one value; it sorts them in place.
func Median(vs []float64) float64 {
	slices.Sort(vs)
	n := len(vs)
	return (vs[(n-1)/2] + vs[n/2]) / 2
}

// AADifference is how far two identical arms came out apart: the larger median
// over the smaller, less one; of several pairs, the one that came out furthest.
// False when the matrix has no pair, or no good trial of one.
func (m *MatrixRun) AADifference(key string) (float64, bool) {
	arms := map[string]*[2][]CellTrial{} // by cell
	for _, t := range m.Trials {
		if t.Error != "" {
			continue
		}
		if arms[t.Cell] == nil {
			arms[t.Cell] = &[2][]CellTrial{}
		}
		arm := &arms[t.Cell][0]
		if t.AA {
			arm = &arms[t.Cell][1]
		}
		*arm = append(*arm, t)
	}
	furthest, found := 0.0, false
	for _, pair := range arms {
		a, okA := statOf(pair[0], key)
		b, okB := statOf(pair[1], key)
		if okA && okB && a.Median > 0 && b.Median > 0 {
			furthest, found = max(furthest, max(a.Median, b.Median)/min(a.Median, b.Median)-1), true
		}
	}
	return furthest, found
}

// LoadTrial reads the directory that a trial of a matrix has left, for what its
// one line does not hold: histograms, phases, the timeline.
func (m *MatrixRun) LoadTrial(t CellTrial) (*Trial, error) {
	id, _ := t.Result["trial"].(string)
	if id == "" || id != filepath.Base(id) {
		return nil, fmt.Errorf("trial %s of %s has left no directory", t.Key(), m.Dir)
	}
	return Load(filepath.Join(m.Dir, trialsDir, id))
}

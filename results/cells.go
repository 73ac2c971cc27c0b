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

// Arms are the values under a key of both arms of each A/A pair, by cell. Pairs
// of which an arm has none are left out.
func (m *MatrixRun) Arms(key string) [][2][]float64 {
	arms := map[string]*[2][]float64{} // by cell
	for _, t := range m.Trials {
		v, ok := t.Number(key)
		if t.Error != "" || !ok {
			continue
		}
		if arms[t.Cell] == nil {
			arms[t.Cell] = &[2][]float64{}
		}
		arm := &arms[t.Cell][0]
		if t.AA {
			arm = &arms[t.Cell][1]
		}
		*arm = append(*arm, v)
	}
	var out [][2][]float64
	for _, cell := range slices.Sorted(maps.Keys(arms)) {
		if pair := *arms[cell]; len(pair[0]) > 0 && len(pair[1]) > 0 {
			out = append(out, pair)
		}
	}
	return out
}

// HasPairs says that some cell was run as two, with whatever outcome.
func (m *MatrixRun) HasPairs() bool {
	return slices.ContainsFunc(m.Trials, func(t CellTrial) bool { return t.AA })
}

// AADifference is how far two identical arms came out apart: the larger median
// over the smaller, less one; of several pairs, the one that came out furthest.
// False when the matrix has no pair, or no good trial of one.
func (m *MatrixRun) AADifference(key string) (float64, bool) {
	furthest, found := 0.0, false
	for _, pair := range m.Arms(key) {
		if a, b := Median(pair[0]), Median(pair[1]); a > 0 && b > 0 {
			furthest, found = max(furthest, max(a, b)/min(a, b)-1), true
		}
	}
	return furthest, found
}

// TrialID is the name of the directory that a trial has left; false where there
// is none, or none that lies where it should.
func (t CellTrial) TrialID() (string, bool) {
	id, _ := t.Result["trial"].(string)
	return id, id != "." && id == filepath.Base(id) && filepath.IsLocal(id)
}

// LoadTrial reads the directory that a trial of a matrix has left, for what its
// one line does not hold: histograms, phases, the timeline. Wanted are logs, as
// by Load.
func (m *MatrixRun) LoadTrial(t CellTrial, want ...Series) (*Trial, error) {
	id, ok := t.TrialID()
	if !ok {
		return nil, fmt.Errorf("trial %s of %s has left no directory", t.Key(), m.Dir)
	}
	return Load(filepath.Join(m.Dir, trialsDir, id), want...)
}

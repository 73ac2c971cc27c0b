package matrix

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/tidelog/tide/results"
)

// placeholder stands for the file under test in records: which folder it lay in
// says nothing, and would make equal commands look different.
const placeholder = "WAL"

// Cell is one combination that meets all constraints.
type Cell struct {
	ID        string // hash of workload and settings: the same in every run of any machine
	Workload  string
	Settings  map[string]string
	Simulated string // the model that stands for a real device; empty without
	Length    time.Duration
}

// Trial is one repeat of a cell.
type Trial struct {
	Cell   Cell
	Repeat int  // from 1
	AA     bool // the second arm of the A/A pair
}

func (t Trial) key() string {
	return results.CellTrial{Cell: t.Cell.ID, Repeat: t.Repeat, AA: t.AA}.Key()
}

// Plan is a matrix worked out.
type Plan struct {
	Matrix Matrix
	Cells  []Cell
	Trials []Trial // in the order in which they run
}

// Plan works out cells and order. It fails, with all reasons at once, when a
// cell could not run or none is left.
func (m Matrix) Plan() (Plan, error) {
	p := Plan{Matrix: m}
	total := len(m.Workloads) * m.Repeats
	for _, values := range m.Axes {
		if total *= len(values); total > maxTrials {
			return Plan{}, fmt.Errorf("matrix %s: more than %d trials", m.Name, maxTrials)
		}
	}
	var errs []error
	for _, w := range m.Workloads {
		for _, settings := range m.combinations() {
			ok, err := m.admits(settings)
			if err == nil && ok {
				var c Cell
				if c, err = newCell(w, settings); err == nil {
					p.Cells = append(p.Cells, c)
				}
			}
			errs = append(errs, err)
		}
	}
	if err := joinDistinct(errs); err != nil {
		return Plan{}, fmt.Errorf("matrix %s: %w", m.Name, err)
	}
	if len(p.Cells) == 0 {
		return Plan{}, fmt.Errorf("matrix %s: no cell meets all constraints: %s", m.Name, strings.Join(m.Constraints, "; "))
	}
	p.order()
	return p, nil
}

// combinations of all axes, in the order of their names and values.
func (m Matrix) combinations() []map[string]string {
	all := []map[string]string{{}}
	for _, axis := range slices.Sorted(maps.Keys(m.Axes)) {
		var next []map[string]string
		for _, settings := range all {
			for _, v := range m.Axes[axis] {
				s := maps.Clone(settings)
				s[axis] = v
				next = append(next, s)
			}
		}
		all = next
	}
	return all
}

func (m Matrix) admits(settings map[string]string) (bool, error) {
	for _, text := range m.Constraints {
		c, err := parseConstraint(text, m.Axes)
		if err != nil {
			return false, err
		}
		if ok, err := c.holds(settings); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// newCell checks by the way that the command line can be made.
func newCell(workload string, settings map[string]string) (Cell, error) {
	b, known := commandOf(workload)
	if !known {
		return Cell{}, fmt.Errorf("workload %q is not one that a matrix runs", workload)
	}
	if _, err := b.args(settings, placeholder); err != nil {
		return Cell{}, err
	}
	length, err := b.length(settings)
	if err != nil {
		return Cell{}, err
	}
	return Cell{ID: hash(workload, settings), Workload: workload, Settings: settings, Simulated: b.simulated(settings), Length: length}, nil
}

// hash names a cell by what it is, so that results of two machines can be put
// side by side, and no edit of the matrix renames what was measured already.
func hash(workload string, settings map[string]string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q", workload)
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(h, " %q=%q", k, settings[k])
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// order lays out the rounds: shuffled, and then the same backwards.
func (p *Plan) order() {
	round := make([]Trial, 0, len(p.Cells)+1)
	for _, c := range p.Cells {
		round = append(round, Trial{Cell: c})
	}
	if p.Matrix.AA {
		round = append(round, Trial{Cell: p.Cells[len(p.Cells)/2], AA: true})
	}
	rng := rand.New(rand.NewPCG(p.Matrix.Seed, 0))
	for repeat := 1; repeat <= p.Matrix.Repeats; repeat++ {
		if repeat%2 == 1 {
			rng.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
		} else {
			slices.Reverse(round)
		}
		for _, t := range round {
			t.Repeat = repeat
			p.Trials = append(p.Trials, t)
		}
	}
}

// Estimate is how long the trials take that are not in done.
func (p Plan) Estimate(done map[string]bool) time.Duration {
	var sum time.Duration
	for _, t := range p.Trials {
		if !done[t.key()] {
			sum += t.Cell.Length
		}
	}
	return sum
}

// joinDistinct reports each fault once: one bad value is in many cells.
func joinDistinct(errs []error) error {
	seen := map[string]bool{}
	var out []error
	for _, err := range errs {
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			out = append(out, err)
		}
	}
	return errors.Join(out...)
}

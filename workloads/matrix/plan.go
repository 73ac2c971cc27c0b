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
	needs     need
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
	Trials []Trial // in the order in which they run: all, or those of one shard
	Shard  Shard   // which of them these are
	all    int     // trials of every shard
	faulty []Cell  // those that cannot run: workload and settings only
}

// Plan works out cells and order. It fails, with all reasons at once, when a
// cell could not run or none is left.
func (m Matrix) Plan() (Plan, error) {
	p, faults := m.plan()
	if err := joinDistinct(faults); err != nil {
		return Plan{}, fmt.Errorf("%s: %w", m.title(), err)
	}
	return p, nil
}

// plan has the cells that could run, and a fault for each of the others.
func (m Matrix) plan() (Plan, []error) {
	p := Plan{Matrix: m}
	total := max(1, len(m.Workloads)) * max(1, len(m.Targets)) * m.Repeats
	for _, values := range m.Axes {
		if total *= len(values); total > maxTrials {
			return p, []error{fmt.Errorf("more than %d trials", maxTrials)}
		}
	}
	var faults []error
	for _, w := range m.Workloads {
		for _, t := range m.Targets {
			c := combiner{m: m, met: make([]int, len(m.Constraints))}
			p.Cells = append(p.Cells, c.cells(w, t)...)
			p.faulty = append(p.faulty, c.faulty...)
			faults = append(append(faults, c.errs...), c.impossible(t)...)
		}
	}
	if len(p.Cells) > 0 {
		p.order()
	}
	return p, faults
}

// combiner makes the cells of a workload and a target, and counts what
// constraints do to them.
type combiner struct {
	m        Matrix
	seen     int   // combinations
	admitted int   // that meet all constraints
	met      []int // by constraint
	errs     []error
	faulty   []Cell
}

// cells of a workload on a target. Axes of the broker belong to tide alone.
func (c *combiner) cells(workload, on string) []Cell {
	var out []Cell
	for _, settings := range combinations(c.m.axesFor(on)) {
		if !slices.Equal(c.m.Targets, []string{tideTarget}) {
			settings[axisTarget] = on
		}
		ok, err := c.admits(settings)
		if err == nil && ok {
			var cell Cell
			if cell, err = c.m.newCell(workload, settings); err == nil {
				out = append(out, cell)
			} else {
				c.faulty = append(c.faulty, Cell{Workload: workload, Settings: settings})
			}
		}
		c.errs = append(c.errs, err)
	}
	return out
}

func (m Matrix) axesFor(on string) map[string][]string {
	axes := maps.Clone(m.Axes)
	if !isTide(on) {
		maps.DeleteFunc(axes, func(name string, _ []string) bool { return isOfBroker(name) })
	}
	return axes
}

// combinations of all axes, in the order of their names and values.
func combinations(axes map[string][]string) []map[string]string {
	all := []map[string]string{{}}
	for _, axis := range slices.Sorted(maps.Keys(axes)) {
		var next []map[string]string
		for _, settings := range all {
			for _, v := range axes[axis] {
				s := maps.Clone(settings)
				s[axis] = v
				next = append(next, s)
			}
		}
		all = next
	}
	return all
}

func (c *combiner) admits(settings map[string]string) (bool, error) {
	c.seen++
	all := true
	for i, con := range c.m.parsed {
		ok, err := con.holds(settings)
		if err != nil {
			return false, err
		}
		if ok {
			c.met[i]++
		}
		all = all && ok
	}
	if all {
		c.admitted++
	}
	return all, nil
}

// impossible names the constraints that leave nothing, each by itself or, if
// there is none of these, together.
func (c *combiner) impossible(on string) []error {
	if c.admitted > 0 || c.seen == 0 || len(c.errs) > 0 && joinDistinct(c.errs) != nil {
		return nil
	}
	of := ""
	if len(c.m.Targets) > 1 {
		of = " of target " + on
	}
	var out []error
	for i, text := range c.m.Constraints {
		if c.met[i] == 0 {
			out = append(out, fmt.Errorf("no cell%s meets all constraints: %q holds for none of %d combinations", of, text, c.seen))
		}
	}
	if len(out) == 0 && len(c.m.Constraints) > 0 {
		out = append(out, fmt.Errorf("no cell%s meets all constraints: %s", of, strings.Join(c.m.Constraints, "; ")))
	}
	return out
}

// newCell checks by the way that the command line can be made.
func (m Matrix) newCell(workload string, settings map[string]string) (Cell, error) {
	c, err := commandOf(workload)
	if err != nil {
		return Cell{}, err
	}
	if m.quick && c.targets() && !has(settings, axisQuick) {
		settings[axisQuick] = "true"
	}
	if _, err := c.args(settings, placeholder); err != nil {
		return Cell{}, err
	}
	length, err := c.length(settings)
	if err != nil {
		return Cell{}, err
	}
	return Cell{
		ID: hash(workload, c.identity(), settings), Workload: workload, Settings: settings,
		Simulated: c.simulated(settings), Length: length, needs: c.needs(settings),
	}, nil
}

// hash names a cell by what it is, so that results of two machines can be put
// side by side, and no edit of the matrix renames what was measured already: a
// cell of tide is the same one whether others stand beside it or not.
func hash(workload, identity string, settings map[string]string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q", workload)
	if identity != "" {
		fmt.Fprintf(h, " %q", identity)
	}
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		if k != axisTarget || settings[k] != tideTarget {
			fmt.Fprintf(h, " %q=%q", k, settings[k])
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// order lays out the rounds: shuffled, and then the same backwards.
func (p *Plan) order() {
	round := make([]Trial, 0, 2*len(p.Cells))
	for _, c := range p.Cells {
		round = append(round, Trial{Cell: c})
	}
	for _, c := range p.pairs() {
		round = append(round, Trial{Cell: c, AA: true})
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
	p.all = len(p.Trials)
}

// pairs are the cells that have a second arm.
func (p *Plan) pairs() []Cell {
	switch p.Matrix.AA {
	case EveryPair:
		return p.Cells
	case OnePair:
		own := slices.DeleteFunc(slices.Clone(p.Cells), func(c Cell) bool {
			return has(c.Settings, axisTarget) && !isTide(c.Settings[axisTarget])
		})
		if len(own) == 0 {
			own = p.Cells
		}
		return own[len(own)/2 : len(own)/2+1]
	}
	return nil
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
	for _, err := range single(errs) {
		if !seen[err.Error()] {
			seen[err.Error()] = true
			out = append(out, err)
		}
	}
	return errors.Join(out...)
}

// single takes apart what errors.Join has put together.
func single(errs []error) []error {
	var out []error
	for _, err := range errs {
		joined, ok := err.(interface{ Unwrap() []error })
		switch {
		case ok && err.Error() == errors.Join(joined.Unwrap()...).Error(): // and says nothing of its own
			out = append(out, single(joined.Unwrap())...)
		case err != nil:
			out = append(out, err)
		}
	}
	return out
}

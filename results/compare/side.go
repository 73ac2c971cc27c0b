package compare

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/rows"
)

// side is what was read of one directory.
type side struct {
	dir      string
	groups   []group // in the order in which they were found
	warnings []string
	aa       map[string]float64 // A/A difference by kind and metric, as far as it was asked for
}

// group is the repeats of one configuration.
type group struct {
	key      string // equal on both sides for the same configuration
	name     string // for people
	workload string
	cell     bool // of a matrix
	quick    bool
	rows     []rows.Row // usable ones, of all phases
	arm      []rows.Row // the second arm of the A/A pair
	invalid  int        // trials that were left out
	// simulated are the models in place of real parts; "" for none.
	simulated string
	flush     string
	settings  map[string]string
}

// load reads a side. An error says that there is nothing to compare in it.
func load(dir string) (*side, error) {
	table, err := rows.Read(dir)
	if err != nil {
		return nil, err
	}
	s := &side{dir: dir, warnings: table.Warnings(), aa: map[string]float64{}}
	at := map[string]int{}
	for _, r := range table.Rows {
		if r.Verdict == rows.Broken {
			continue
		}
		k := keyOf(r)
		i, known := at[k]
		if !known {
			i = len(s.groups)
			at[k] = i
			s.groups = append(s.groups, newGroup(k, r))
		}
		s.groups[i].add(r)
	}
	cells := slices.IndexFunc(s.groups, func(g group) bool { return g.cell })
	trials := slices.IndexFunc(s.groups, func(g group) bool { return !g.cell })
	if cells >= 0 && trials >= 0 {
		return nil, fmt.Errorf("%s holds trials and matrices: name one of the folders in it", dir)
	}
	return s, nil
}

// keyOf a row tells configurations apart.
func keyOf(r rows.Row) string {
	if r.Cell != "" {
		return r.Matrix + "\x00" + r.Cell
	}
	parts := []string{r.Workload, r.Target, fmt.Sprint(r.Verdict == results.Quick)}
	for _, k := range slices.Sorted(maps.Keys(r.Settings)) {
		parts = append(parts, k+"="+r.Settings[k])
	}
	return strings.Join(parts, "\x00")
}

func newGroup(key string, r rows.Row) group {
	g := group{key: key, workload: r.Workload, cell: r.Cell != "", simulated: r.Simulated, flush: r.Durability.Flush, settings: map[string]string{}}
	maps.Copy(g.settings, r.Settings)
	if g.cell {
		var axes []string
		for _, k := range slices.Sorted(maps.Keys(r.Settings)) {
			axes = append(axes, k+"="+r.Settings[k])
		}
		g.name = r.Cell + " " + r.Workload + " " + strings.Join(axes, " ")
		return g
	}
	g.name = r.Workload + " on " + r.Target
	g.settings["target"], g.settings["workload"] = r.Target, r.Workload
	g.settings["durability"] = durability(r)
	g.settings["simulated"] = r.Simulated
	return g
}

func durability(r rows.Row) string {
	d := r.Durability
	return fmt.Sprintf("acks=%s, flush=%s, replicas=%d", d.Acks, d.Flush, d.Replicas)
}

// add puts a row where it counts. Trials are counted by their first phase.
func (g *group) add(r rows.Row) {
	g.quick = g.quick || r.Verdict == results.Quick
	switch {
	case !r.Usable():
		if !g.has(r.Trial) {
			g.invalid++
		}
		g.rows = append(g.rows, rows.Row{Trial: r.Trial, Verdict: r.Verdict})
	case r.AA:
		g.arm = append(g.arm, r)
	default:
		g.rows = append(g.rows, r)
	}
}

func (g *group) has(trial string) bool {
	return slices.ContainsFunc(g.rows, func(r rows.Row) bool { return r.Trial == trial })
}

// repeats that count.
func (g *group) repeats() int {
	trials := map[string]bool{}
	for _, r := range g.usable() {
		trials[r.Dir+"\x00"+r.Trial] = true
	}
	return len(trials)
}

func (g *group) usable() []rows.Row {
	return slices.DeleteFunc(slices.Clone(g.rows), func(r rows.Row) bool { return !r.Usable() })
}

// phases that are measured, in order; "" for a cell.
func (g *group) phases() []string {
	var out []string
	for _, r := range g.usable() {
		if r.Phase != warmUp && !slices.Contains(out, r.Phase) {
			out = append(out, r.Phase)
		}
	}
	return out
}

// warmUp is not compared.
const warmUp = "warm-up"

// ErrKinds is of a matrix that is compared with trials.
var ErrKinds = errors.New("one side is a matrix and the other is not")

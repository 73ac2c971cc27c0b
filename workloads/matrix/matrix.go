// Package matrix runs every combination of some axes, several times, and keeps
// what came out:
//
//	YAML ─Prepare─▶ cells ─constraints─▶ trials in order ─Shard─▶ some ─Run─▶ trials.jsonl
//	 axes: {wal.path: [uring, pwrite],   2 × 2 cells               tide bench … --json
//	        wal.block: [16KiB, 64KiB]}   × targets × repeats       as a process of its own
//	                                                    trials.jsonl … ─Merge─▶ one matrix
//
// The command of a workload is `tide bench WORKLOAD --target T`, and each trial
// of it leaves a directory too, below trials/. The benches of a path and of the
// log alone are workloads as well, without a target.
//
// A cell is one combination, a trial one repeat of it. A trial is a fresh
// process of the same binary, so that nothing is left over from the one before.
// Trials come in a random order with a printed seed; each round of repeats runs
// all cells, and every second one runs them backwards (ABBA), so that a machine
// that gets slower by and by is no reason for one cell to look worse.
//
// A matrix that was stopped, or killed, goes on where it was: a trial that has
// its line in trials.jsonl is passed over, one that failed is tried again. One
// that is INVALID has run, and is not. What the trial under way has left is
// removed.
package matrix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidelog/tide/workloads/target"
)

// Bounds of a matrix file.
const (
	maxFile    = 1 << 20 // bytes
	maxValues  = 1000    // of one axis
	maxTrials  = 1_000_000
	maxRepeats = 1000
)

// Matrix is one YAML file.
type Matrix struct {
	Name string `yaml:"name"`
	// Axes by name: a flag of the workload's command or, for a workload of tide
	// bench, of the broker; "wal." or "store." and a key of that URL ("wal.path"
	// is its scheme; a value none leaves the key out); "load." and a key of the
	// workload's own YAML. An axis of one value is a setting.
	Axes map[string][]string `yaml:"axes"`
	// Workloads that each combination is run with: iopath-bench, wal-bench, or
	// what tide bench takes, a built-in name or a file.
	Workloads []string `yaml:"workloads"`
	// Targets as tide bench takes them; default [tide]. Axes of the broker are
	// merged into those that are tide, and do not multiply the others.
	Targets targetList `yaml:"targets"`
	// Constraints, all of which a cell has to meet: "wal.block <= wal.window".
	// One of an axis that a cell has not is no concern of it.
	Constraints []string `yaml:"constraints"`
	Repeats     int      `yaml:"repeats"` // default 5
	// AA runs a cell twice as often, as if it were two: the middle one of tide's
	// with true, every one with each.
	AA     Pairs  `yaml:"aa"`
	Seed   uint64 `yaml:"seed"`   // of the order; default 1
	Metric string `yaml:"metric"` // of the result, by which A/A is judged; default produce.response.p99, which benches have not
	// Quick is what --quick puts in place of the above.
	Quick Quick `yaml:"quick"`

	quick  bool // it was asked for
	parsed []constraint
}

// Quick replaces some axes, or adds some of the load, and the number of repeats. Trials of tide bench get
// --quick besides, unless the axis quick says otherwise.
type Quick struct {
	Axes      map[string][]string `yaml:"axes"`
	Workloads []string            `yaml:"workloads"`
	Repeats   int                 `yaml:"repeats"` // default 2
	AA        *Pairs              `yaml:"aa"`
}

// Pairs says which cells have a second arm.
type Pairs string

// Values of aa.
const (
	NoPairs   Pairs = ""
	OnePair   Pairs = "true"
	EveryPair Pairs = "each"
)

// UnmarshalYAML takes a boolean, or the word each.
func (p *Pairs) UnmarshalYAML(n *yaml.Node) error {
	switch n.Value {
	case "true", "each":
		*p = Pairs(n.Value)
	case "false":
		*p = NoPairs
	default:
		return fmt.Errorf("line %d: aa is %q, want true, false or each", n.Line, n.Value)
	}
	return nil
}

// targetList is a list of words, of which YAML takes one, null, for something
// else.
type targetList []string

// UnmarshalYAML takes null as the target of that name.
func (l *targetList) UnmarshalYAML(n *yaml.Node) error {
	for _, item := range n.Content {
		if item.Tag == "!!null" {
			item.Tag, item.Value = "!!str", "null"
		}
	}
	return n.Decode((*[]string)(l))
}

// defaultMetric is what every trial of tide bench has.
const defaultMetric = "produce.response.p99"

// Parse reads a matrix and reports every fault of its own; those of single
// cells are Plan's, and those of the machine Prepare's.
func Parse(content []byte, quick bool) (Matrix, error) {
	m, faults, err := read(content, quick)
	if err == nil {
		err = joinDistinct(faults)
	}
	if err != nil {
		return Matrix{}, fmt.Errorf("matrix %s: %w", m.Name, err)
	}
	return m, nil
}

// read returns what is left of a matrix without its faults, for further ones to
// be found. The error is that of a file that is no matrix at all.
func read(content []byte, quick bool) (Matrix, []error, error) {
	if len(content) > maxFile {
		return Matrix{}, nil, fmt.Errorf("it has %d bytes, want at most %d", len(content), maxFile)
	}
	m := Matrix{Axes: map[string][]string{}, Repeats: 5, Seed: 1, Targets: []string{tideTarget}, Quick: Quick{Repeats: 2}}
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	if err := dec.Decode(&m); err != nil && !errors.Is(err, io.EOF) {
		return m, nil, err
	}
	faults := m.sound()
	if quick {
		m.quick, m.Repeats = true, m.Quick.Repeats
		maps.Copy(m.Axes, m.Quick.Axes)
		if len(m.Quick.Workloads) > 0 {
			m.Workloads = m.Quick.Workloads
		}
		if m.Quick.AA != nil {
			m.AA = *m.Quick.AA
		}
	}
	return m, faults, nil
}

// sound reports every fault, and removes what is at fault.
func (m *Matrix) sound() []error {
	var errs []error
	want := func(ok bool, format string, args ...any) bool {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
		return ok
	}
	want(m.Name != "" && !strings.ContainsAny(m.Name, "/\\ \n"), "name is %q, want one word", m.Name)
	want(len(m.Workloads) > 0, "workloads are missing, want some of %s, or a file", commandNames())
	if !want(m.Repeats >= 1 && m.Repeats <= maxRepeats, "repeats is %d, want 1 to %d", m.Repeats, maxRepeats) {
		m.Repeats = 1
	}
	if !want(m.Quick.Repeats >= 1 && m.Quick.Repeats <= maxRepeats, "quick.repeats is %d, want 1 to %d", m.Quick.Repeats, maxRepeats) {
		m.Quick.Repeats = 1
	}
	if m.Metric == "" && !slices.ContainsFunc(m.Workloads, func(w string) bool { return has(benches, w) }) {
		m.Metric = defaultMetric
	}
	want(m.Metric != "", "metric is missing: a key of the result, such as p99_us")
	for _, list := range []*[]string{&m.Workloads, &m.Quick.Workloads} {
		*list = keep(*list, &errs, func(w string) error { _, err := commandOf(w); return err })
	}
	m.Targets = keep(m.Targets, &errs, func(t string) error { return checkTarget(t, m.Workloads) })
	want(len(m.Targets) > 0 || len(errs) > 0, "targets are empty: leave them out for [tide]")
	// Before faulty axes go, for they are axes in a constraint all the same.
	m.Constraints = keep(m.Constraints, &errs, func(text string) error {
		c, err := parseConstraint(text, m.Axes)
		if err == nil {
			m.parsed = append(m.parsed, c)
		}
		return err
	})
	for _, axes := range []map[string][]string{m.Axes, m.Quick.Axes} {
		for _, name := range slices.Sorted(maps.Keys(axes)) {
			if err := checkAxis(name, axes[name], m.Workloads); err != nil {
				errs = append(errs, err)
				delete(axes, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Quick.Axes)) {
		want(m.Axes[name] != nil || isOfLoad(name), "quick.axes.%s: there is no such axis to be replaced", name)
	}
	return errs
}

// keep are the elements that check finds no fault with.
func keep(list []string, errs *[]error, check func(string) error) []string {
	var out []string
	for _, s := range list {
		if err := check(s); err != nil {
			*errs = append(*errs, err)
			continue
		}
		out = append(out, s)
	}
	return out
}

func checkTarget(text string, workloads []string) error {
	if _, err := target.ParseSpec(text); err != nil {
		return err
	}
	for _, w := range workloads {
		if c, err := commandOf(w); err == nil && !c.targets() && text != tideTarget {
			return fmt.Errorf("target %s: %s runs without a target: leave targets out, or put it into a matrix of its own", text, w)
		}
	}
	return nil
}

func checkAxis(name string, values []string, workloads []string) error {
	var errs []error
	if len(values) == 0 || len(values) > maxValues {
		errs = append(errs, fmt.Errorf("axis %s has %d values, want 1 to %d", name, len(values), maxValues))
	}
	sorted := slices.Sorted(slices.Values(values))
	if len(slices.Compact(sorted)) < len(values) {
		errs = append(errs, fmt.Errorf("axis %s has a value twice: %s", name, strings.Join(values, ", ")))
	}
	for _, w := range workloads {
		if c, err := commandOf(w); err == nil && !c.takes(name) {
			errs = append(errs, fmt.Errorf("axis %s: %s has no such setting; want %s", name, w, c.axes()))
		}
	}
	return errors.Join(errs...)
}

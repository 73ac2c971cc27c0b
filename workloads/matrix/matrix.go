// Package matrix runs every combination of some axes, several times, and keeps
// what came out:
//
//	YAML ─Parse─▶ Matrix ─Plan─▶ cells ─constraints─▶ trials in order ─Run─▶ trials.jsonl
//	 axes: {wal.path: [uring, pwrite],      2 × 2 cells          tide iopath bench … --json
//	        depth: [1, 8]}                × repeats              as a process of its own
//
// The command of a built-in workload is `tide bench WORKLOAD`, and each trial of
// it leaves a directory too, below trials/.
//
// A cell is one combination, a trial one repeat of it. A trial is a fresh
// process of the same binary, so that nothing is left over from the one before.
// Trials come in a random order with a printed seed; each round of repeats runs
// all cells, and every second one runs them backwards (ABBA), so that a machine
// that gets slower by and by is no reason for one cell to look worse.
//
// A matrix that was stopped goes on where it was: a trial that has its line in
// trials.jsonl is passed over, one that failed is tried again.
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
	// Axes by name: a flag of the workload's command or, for a built-in workload,
	// of the broker; or "wal." or "store." and a key of that URL ("wal.path" is
	// its scheme; a value none leaves the key out). An axis of one value is a
	// setting.
	Axes map[string][]string `yaml:"axes"`
	// Workloads that each combination is run with: iopath-bench, wal-bench, or a
	// built-in workload, which is run on a broker of its own.
	Workloads []string `yaml:"workloads"`
	Targets   []string `yaml:"targets"` // only tide: the benches start nothing else
	// Constraints, all of which a cell has to meet: "wal.block <= wal.window".
	Constraints []string `yaml:"constraints"`
	Repeats     int      `yaml:"repeats"` // default 5
	AA          bool     `yaml:"aa"`      // one cell is run twice as often, as if it were two
	Seed        uint64   `yaml:"seed"`    // of the order; default 1
	Metric      string   `yaml:"metric"`  // of the result, by which A/A is judged
	// Quick is what --quick puts in place of the above.
	Quick Quick `yaml:"quick"`

	quick bool // it was asked for
}

// Quick replaces some axes, and the number of repeats.
type Quick struct {
	Axes    map[string][]string `yaml:"axes"`
	Repeats int                 `yaml:"repeats"` // default 2
}

// Parse reads a matrix and reports every fault of its own; those of single
// cells are Plan's.
func Parse(content []byte, quick bool) (Matrix, error) {
	if len(content) > maxFile {
		return Matrix{}, fmt.Errorf("matrix has %d bytes, want at most %d", len(content), maxFile)
	}
	m := Matrix{Repeats: 5, Seed: 1, Targets: []string{"tide"}, Quick: Quick{Repeats: 2}}
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	if err := dec.Decode(&m); err != nil && !errors.Is(err, io.EOF) {
		return Matrix{}, fmt.Errorf("matrix: %w", err)
	}
	if err := m.validate(); err != nil {
		return Matrix{}, fmt.Errorf("matrix %s: %w", m.Name, err)
	}
	if quick {
		m.quick, m.Repeats = true, m.Quick.Repeats
		maps.Copy(m.Axes, m.Quick.Axes)
	}
	return m, nil
}

func (m Matrix) validate() error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	want(m.Name != "" && !strings.ContainsAny(m.Name, "/\\ \n"), "name is %q, want one word", m.Name)
	want(len(m.Axes) > 0, "axes are missing")
	want(len(m.Workloads) > 0, "workloads are missing, want some of %s", commandNames())
	want(slices.Equal(m.Targets, []string{"tide"}), "targets are %q, want [tide]: others are not built in yet", m.Targets)
	want(m.Repeats >= 1 && m.Repeats <= maxRepeats, "repeats is %d, want 1 to %d", m.Repeats, maxRepeats)
	want(m.Quick.Repeats >= 1 && m.Quick.Repeats <= maxRepeats, "quick.repeats is %d, want 1 to %d", m.Quick.Repeats, maxRepeats)
	want(m.Metric != "", "metric is missing: a key of the result, such as p99_us")
	for _, w := range m.Workloads {
		_, known := commandOf(w)
		want(known, "workload %q is not one that a matrix runs, want one of %s", w, commandNames())
	}
	for _, axes := range []map[string][]string{m.Axes, m.Quick.Axes} {
		for _, name := range slices.Sorted(maps.Keys(axes)) {
			errs = append(errs, checkAxis(name, axes[name], m.Workloads))
		}
	}
	for name := range m.Quick.Axes {
		want(m.Axes[name] != nil, "quick.axes.%s: there is no such axis to be replaced", name)
	}
	for _, c := range m.Constraints {
		_, err := parseConstraint(c, m.Axes)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
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
		if c, known := commandOf(w); known && !c.takes(name) {
			errs = append(errs, fmt.Errorf("axis %s: %s has no such setting; want %s", name, w, c.axes()))
		}
	}
	return errors.Join(errs...)
}

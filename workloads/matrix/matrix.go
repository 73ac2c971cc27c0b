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
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidelog/tide/internal/bounded"
)

// Bounds of a matrix file.
const (
	MaxFile    = 1 << 20 // bytes
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
		return Matrix{}, fmt.Errorf("%s: %w", m.title(), err)
	}
	return m, nil
}

// read returns what is left of a matrix without its faults, for further ones to
// be found. The error is that of a file that is no matrix at all.
func read(content []byte, quick bool) (Matrix, []error, error) {
	if err := bounded.Check(content, MaxFile); err != nil {
		return Matrix{}, nil, err
	}
	m := Matrix{Axes: map[string][]string{}, Repeats: 5, Seed: 1, Targets: []string{tideTarget}, Quick: Quick{Repeats: 2}}
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	faults, err := keysOf(dec.Decode(&m))
	if err != nil {
		return m, nil, err
	}
	if err := dec.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		faults = append(faults, errors.New("a second document follows: want one matrix in a file"))
	}
	faults = append(faults, m.sound()...)
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

// title is what errors call a matrix, which may lack its name.
func (m Matrix) title() string { return strings.TrimSpace("matrix " + m.Name) }

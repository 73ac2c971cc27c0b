package matrix

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidelog/tide/results/cost"
	"github.com/tidelog/tide/workloads"
)

// command is what a matrix runs for each trial: one of the binary's own, that
// prints one JSON object.
type command interface {
	// takes says whether an axis sets something of it.
	takes(axis string) bool
	// axes says, for an error, which axes there are.
	axes() string
	// targets says whether it is run against a target.
	targets() bool
	// identity is what its name does not say, such as the content of a file.
	identity() string
	// args is the command line of a cell. place is the file that a bench writes
	// to, or the directory in which a trial is made. The order is fixed, so that
	// equal cells have equal commands.
	args(settings map[string]string, place string) ([]string, error)
	// prepare makes the files that args name.
	prepare(settings map[string]string, place string) error
	// length is how long a trial takes, as far as one can tell beforehand.
	length(settings map[string]string) (time.Duration, error)
	// needs is what a trial takes of disk and of a store that is paid for.
	needs(settings map[string]string) need
	// simulated names the models that stand for real parts; empty without.
	simulated(settings map[string]string) string
	// outcome is made of what was printed.
	outcome(printed map[string]any, place string) (outcome, error)
}

// need of one trial, as far as one can tell beforehand.
type need struct {
	disk     int64         // bytes in the directory of the results, while it runs
	requests cost.Requests // to a store that is paid for
	paid     string        // which store that is; empty for none
	unknown  string        // a target of which nothing is known; empty for none
}

// outcome of one trial.
type outcome struct {
	result   map[string]any
	verdict  string
	reasons  string // of INVALID
	warnings []string
}

// commandOf finds what a matrix calls by that name: a bench, or a workload of
// tide bench, built in or a file.
func commandOf(name string) (command, error) {
	if b, ok := benches[name]; ok {
		return b, nil
	}
	if c, ok := sims[name]; ok {
		return c, nil
	}
	if name == liveName {
		return newCacheLive()
	}
	if !slices.Contains(workloads.Names(), name) && !isFile(name) {
		return nil, fmt.Errorf("workload %q is not one that a matrix runs, want one of %s, or a file ending in .yaml", name, commandNames())
	}
	w, err := workloads.Open(name)
	if err != nil {
		return nil, err
	}
	return brokerTrial{name, w}, nil
}

func isFile(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

func commandNames() string {
	names := append(slices.Sorted(maps.Keys(benches)), slices.Sorted(maps.Keys(sims))...)
	return strings.Join(append(append(names, liveName), workloads.Names()...), ", ")
}

func has[T any](m map[string]T, key string) bool { _, ok := m[key]; return ok }

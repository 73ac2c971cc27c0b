package matrix

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tidelog/tide/cacheexp/gen"
)

// sims are commands that measure nothing of this machine, by the name that a
// matrix calls them.
var sims = map[string]command{"cache-sim": cacheSim{}}

// cacheSim puts a generated trace to caches: tide cache sim. Each value of the
// axes policy and prefetch is a list, all combinations of which are rows of one
// trial, so that a trace is read once for many caches. Without a store's model
// there is nothing to read ahead of, and Belady's policy is added; with one, every
// policy runs with every prefetcher.
type cacheSim struct{}

// Axes of cacheSim.
const (
	axisTrace      = "trace" // the spec of a generator, in its own format
	axisStoreModel = "store-model"
)

var cacheAxes = []string{axisTrace, axisStoreModel, "policy", "prefetch", "seed", "size"}

func (cacheSim) takes(axis string) bool { return slices.Contains(cacheAxes, axis) }
func (cacheSim) axes() string           { return strings.Join(cacheAxes, ", ") }
func (cacheSim) targets() bool          { return false }
func (cacheSim) identity() string       { return "" }

func (c cacheSim) args(settings map[string]string, place string) ([]string, error) {
	if _, err := c.trace(settings); err != nil {
		return nil, err
	}
	out := []string{"cache", "sim", "--trace", c.file(settings, place), "--unit", "bytes"}
	add := func(flag, value string) { out = append(out, "--"+flag, value) }
	model, policies := settings[axisStoreModel], settings["policy"]
	if model == "" || model == none {
		add("policy", policies+",belady")
	} else {
		add("policy", policies)
		add("prefetch", settings["prefetch"])
		add(axisStoreModel, model)
		add("seed", settings["seed"])
	}
	for _, needed := range []string{"policy", "prefetch", "seed", "size"} {
		if settings[needed] == "" {
			return nil, fmt.Errorf("axis %s is missing: cache-sim wants %s", needed, c.axes())
		}
	}
	add("size", settings["size"])
	return append(out, "--json"), nil
}

// trace is the spec of a cell with its seed.
func (cacheSim) trace(settings map[string]string) (string, error) {
	spec := settings[axisTrace]
	sep := "?"
	if strings.Contains(spec, sep) {
		sep = "&"
	}
	spec += sep + "seed=" + settings["seed"]
	_, err := gen.New(spec)
	return spec, err
}

// file of a cell's trace: one for all cells that have the same.
func (c cacheSim) file(settings map[string]string, place string) string {
	spec, _ := c.trace(settings) // args has checked it
	return place + "-" + digest([]byte(spec))
}

// prepare makes the trace, unless a cell before has made it.
func (c cacheSim) prepare(settings map[string]string, place string) (err error) {
	name := c.file(settings, place)
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	spec, err := c.trace(settings)
	if err != nil {
		return err
	}
	g, err := gen.New(spec)
	if err != nil {
		return err
	}
	out, err := os.Create(name + ".part")
	if err != nil {
		return err
	}
	_, err = g.Write(out, func() error { return nil })
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Rename(name+".part", name)
}

// Guesses.
const (
	simLength = 50 * time.Millisecond // of one row
	simDisk   = 64 << 20              // bytes of a trace
)

func (cacheSim) length(settings map[string]string) (time.Duration, error) {
	rows := strings.Count(settings["policy"], ",") + 1
	if m := settings[axisStoreModel]; m != "" && m != none {
		rows *= strings.Count(settings["prefetch"], ",") + 1
	}
	return time.Duration(rows) * simLength, nil
}

func (cacheSim) needs(map[string]string) need { return need{disk: simDisk} }

func (cacheSim) simulated(settings map[string]string) string {
	if m := settings[axisStoreModel]; m != none {
		return m
	}
	return ""
}

// outcome has a key for each number of each row: policy/prefetcher/column.
func (cacheSim) outcome(printed map[string]any, _ string) (outcome, error) {
	rows, ok := printed["rows"].([]any)
	if !ok {
		return outcome{}, errors.New("what it printed has no rows")
	}
	out := map[string]any{}
	for _, r := range rows {
		row, ok := r.(map[string]any)
		if !ok {
			return outcome{}, errors.New("a row that it printed is no object")
		}
		name := fmt.Sprint(row["policy"], "/", row["prefetch"], "/")
		for k, v := range row {
			if n, isNumber := v.(float64); isNumber {
				out[name+k] = n
			} else if k == "simulated" {
				out[k] = v
			}
		}
	}
	return outcome{result: out}, nil
}

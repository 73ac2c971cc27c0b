package compare

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/rows"
)

// Difference is a key that both sides have another value of.
type Difference struct {
	Key string `json:"key"`
	A   string `json:"a"`
	B   string `json:"b"`
}

// environment of a trial as far as it may change results. Load average and
// steal belong to the moment, and are in the trial's own warnings.
func environment(e results.Env) map[string]string {
	out := map[string]string{
		"CPU": e.CPU.Model, "cores": strconv.Itoa(e.CPU.Cores), "governor": e.CPU.Governor,
		"memory": fmt.Sprintf("%d bytes", e.Memory), "kernel": e.Kernel.Release, "io_uring": e.Kernel.IOUring,
		"clock source": e.Clock, "filesystem": e.Filesystem,
		"device": e.Device.Name, "write cache": e.Device.WriteCache, "FUA": e.Device.FUA, "scheduler": e.Device.Scheduler,
		"rotational": e.Device.Rotational, "largest request, KiB": e.Device.MaxKiB,
		"version": e.Build.Version, "commit": e.Build.Commit, "Go": e.Build.Go, "platform": e.Build.Platform,
	}
	for path, version := range e.Modules {
		out["module "+path] = version
	}
	return out
}

// environments compares all usable trials of all pairs. A key differs, too,
// where the trials of one side do not agree.
func environments(pairs []pair) []Difference {
	a, b := map[string][]string{}, map[string][]string{}
	for _, p := range pairs {
		collect(a, p.a.usable())
		collect(b, p.b.usable())
	}
	var out []Difference
	for _, k := range unionKeys(a, b) {
		if x, y := shown(a[k]), shown(b[k]); x != y || len(a[k]) > 1 {
			out = append(out, Difference{k, x, y})
		}
	}
	return out
}

// collect adds what each key has; a trial without the key has "".
func collect(into map[string][]string, from []rows.Row) {
	seen := map[string]bool{} // rows of one trial share their environment
	for _, r := range from {
		if seen[r.Dir] {
			continue
		}
		seen[r.Dir] = true
		env := environment(r.Env)
		for _, k := range unionKeys(into, map[string][]string{}) {
			if _, ok := env[k]; !ok {
				env[k] = ""
			}
		}
		for k, v := range env {
			if !slices.Contains(into[k], v) {
				into[k] = append(into[k], v)
			}
		}
	}
}

func unionKeys[V any](a, b map[string]V) []string {
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// shown is a value, or all of several.
func shown(vs []string) string {
	var out []string
	for _, v := range vs {
		if v == "" {
			v = "–"
		}
		out = append(out, v)
	}
	if len(out) == 0 {
		return "–"
	}
	slices.Sort(out)
	return strings.Join(out, " and ")
}

// configuration compares the settings of a pair.
func configuration(p pair) []Difference {
	out := []Difference{}
	for _, k := range unionKeys(p.a.settings, p.b.settings) {
		x, inA := p.a.settings[k]
		y, inB := p.b.settings[k]
		if x != y || inA != inB {
			out = append(out, Difference{k, shown([]string{x}), shown([]string{y})})
		}
	}
	return out
}

// Refused is the error of sides from different environments.
type Refused struct{ Differences []Difference }

func (e *Refused) Error() string {
	var parts []string
	for _, d := range e.Differences {
		parts = append(parts, fmt.Sprintf("%s: %s against %s", d.Key, d.A, d.B))
	}
	return "A and B were not measured in one environment; --allow-env-diff compares them all the same:\n  " +
		strings.Join(parts, "\n  ")
}

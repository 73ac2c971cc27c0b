package export

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidelog/tide/results/rows"
)

// kind of a column's values.
type kind int

const (
	text kind = iota
	integer
	float
	boolean
	moment
)

// column of a table.
type column struct {
	name string
	kind kind
	// of a row: a string, int64, float64, bool or time.Time by the kind; nil for
	// none.
	of func(rows.Row) any
}

// columns of a table, in a fixed order: those of every table first, then what
// its rows happen to have, by name.
func columns(t rows.Table) []column {
	out := slices.Concat(who, settings(t), values(t), figuresOf(t), countersOf(t), machine)
	seen := map[string]bool{}
	for i, c := range out { // names of settings may differ in what a column's name cannot show
		for n := 2; seen[out[i].name]; n++ {
			out[i].name = c.name + "_" + strconv.Itoa(n)
		}
		seen[out[i].name] = true
	}
	return out
}

// orNil leaves out what is empty.
func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func textOf(name string, of func(rows.Row) string) column {
	return column{name, text, func(r rows.Row) any { return orNil(of(r)) }}
}

// flag is not known of what was broken.
func flag(name string, of func(rows.Row) bool) column {
	return column{name, boolean, func(r rows.Row) any {
		if r.Verdict == rows.Broken {
			return nil
		}
		return of(r)
	}}
}

// positive leaves out what is not known.
func positive(name string, of func(rows.Row) int64) column {
	return column{name, integer, func(r rows.Row) any {
		if n := of(r); n > 0 {
			return n
		}
		return nil
	}}
}

var who = []column{
	textOf("trial", func(r rows.Row) string { return r.Trial }),
	textOf("matrix", func(r rows.Row) string { return r.Matrix }),
	textOf("cell", func(r rows.Row) string { return r.Cell }),
	positive("repeat", func(r rows.Row) int64 { return int64(r.Repeat) }),
	flag("aa", func(r rows.Row) bool { return r.AA }),
	textOf("workload", func(r rows.Row) string { return r.Workload }),
	textOf("target", func(r rows.Row) string { return r.Target }),
	textOf("phase", func(r rows.Row) string { return r.Phase }),
	flag("closed_loop", func(r rows.Row) bool { return r.Closed }),
	{"started", moment, func(r rows.Row) any {
		if r.Started.IsZero() {
			return nil
		}
		return r.Started.UTC().Truncate(time.Millisecond)
	}},
	textOf("seed", func(r rows.Row) string {
		if r.Verdict == rows.Broken {
			return ""
		}
		return strconv.FormatUint(r.Seed, 10) // all 64 bits of it
	}),
	textOf("verdict", func(r rows.Row) string { return r.Verdict }),
	textOf("warnings", func(r rows.Row) string { return strings.Join(r.Warnings, "; ") }),
	textOf("simulated", func(r rows.Row) string { return r.Simulated }),
	textOf("acks", func(r rows.Row) string { return r.Durability.Acks }),
	textOf("flush", func(r rows.Row) string { return r.Durability.Flush }),
	positive("replicas", func(r rows.Row) int64 { return int64(r.Durability.Replicas) }),
	textOf("power_cut", func(r rows.Row) string { return r.Durability.PowerCut }),
}

var machine = []column{
	textOf("env_version", func(r rows.Row) string { return r.Env.Build.Version }),
	textOf("env_commit", func(r rows.Row) string { return r.Env.Build.Commit }),
	textOf("env_go", func(r rows.Row) string { return r.Env.Build.Go }),
	textOf("env_platform", func(r rows.Row) string { return r.Env.Build.Platform }),
	textOf("env_kernel", func(r rows.Row) string { return r.Env.Kernel.Release }),
	textOf("env_cpu", func(r rows.Row) string { return r.Env.CPU.Model }),
	positive("env_cores", func(r rows.Row) int64 { return int64(r.Env.CPU.Cores) }),
	textOf("env_governor", func(r rows.Row) string { return r.Env.CPU.Governor }),
	positive("env_memory_bytes", func(r rows.Row) int64 { return r.Env.Memory }),
	textOf("env_filesystem", func(r rows.Row) string { return r.Env.Filesystem }),
	textOf("env_device", func(r rows.Row) string { return r.Env.Device.Name }),
	textOf("env_write_cache", func(r rows.Row) string { return r.Env.Device.WriteCache }),
	textOf("env_fua", func(r rows.Row) string { return r.Env.Device.FUA }),
	textOf("env_scheduler", func(r rows.Row) string { return r.Env.Device.Scheduler }),
	{"env_steal_percent", float, func(r rows.Row) any {
		if r.Verdict == rows.Broken {
			return nil
		}
		return r.Env.Steal
	}},
}

// keysOf all rows, sorted.
func keysOf[V any](t rows.Table, of func(rows.Row) map[string]V) []string {
	all := map[string]bool{}
	for _, r := range t.Rows {
		for k := range of(r) {
			all[k] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func numbers(prefix string, keys []string, of func(rows.Row) map[string]float64) []column {
	var out []column
	for _, k := range keys {
		out = append(out, column{prefix + k, float, func(r rows.Row) any {
			if v, ok := of(r)[k]; ok {
				return v
			}
			return nil
		}})
	}
	return out
}

// values in the order of rows.Metrics, then those that only matrices have.
func values(t rows.Table) []column {
	of := func(r rows.Row) map[string]float64 { return r.Values }
	present := keysOf(t, of)
	var order []string
	for _, m := range rows.Metrics() {
		if i, ok := slices.BinarySearch(present, m.Name); ok {
			order = append(order, m.Name)
			present = slices.Delete(present, i, i+1)
		}
	}
	return numbers("", append(order, present...), of)
}

func figuresOf(t rows.Table) []column {
	of := func(r rows.Row) map[string]float64 { return r.Figures }
	return numbers("figure_", keysOf(t, of), of)
}

func countersOf(t rows.Table) []column {
	of := func(r rows.Row) map[string]float64 { return r.Counters }
	return numbers("counter_", keysOf(t, of), of)
}

// settings are numbers where every row that has one has a number.
func settings(t rows.Table) []column {
	var out []column
	for _, k := range keysOf(t, func(r rows.Row) map[string]string { return r.Settings }) {
		as := integer
		for _, r := range t.Rows {
			if v, ok := r.Settings[k]; ok {
				as = wider(as, kindOf(v))
			}
		}
		out = append(out, column{"config_" + rows.Name(k), as, func(r rows.Row) any {
			v, ok := r.Settings[k]
			if !ok {
				return nil
			}
			return parse(v, as)
		}})
	}
	return out
}

// wider of two kinds: an integer fits a float, and all fits a text.
func wider(a, b kind) kind {
	switch {
	case a == text || b == text:
		return text
	case a == float || b == float:
		return float
	}
	return integer
}

func kindOf(v string) kind {
	if _, err := strconv.ParseInt(v, 10, 64); err == nil {
		return integer
	}
	if _, err := strconv.ParseFloat(v, 64); err == nil && !strings.ContainsAny(v, "xXnNiI_") {
		return float
	}
	return text
}

func parse(v string, as kind) any {
	switch as {
	case integer:
		n, err := strconv.ParseInt(v, 10, 64)
		if err == nil {
			return n
		}
	case float:
		f, err := strconv.ParseFloat(v, 64)
		if err == nil {
			return f
		}
	case text, boolean, moment:
		return v
	}
	panic(fmt.Sprintf("setting %q was found to be of kind %d", v, as))
}

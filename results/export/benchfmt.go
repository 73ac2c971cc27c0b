package export

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/perf/benchfmt"

	"github.com/tidelog/tide/results/rows"
)

// warmUp is left out: nobody compares it.
const warmUp = "warm-up"

// Bench writes Go's benchmark format. Repeats are lines of one name.
func Bench(w io.Writer, t rows.Table) error {
	if err := comments(w, t); err != nil {
		return err
	}
	out := benchfmt.NewWriter(w)
	units := map[string]bool{}
	for _, r := range t.Rows {
		vs, better := measures(r)
		if !r.Usable() || r.AA || r.Phase == warmUp || len(vs) == 0 {
			continue
		}
		for _, v := range vs {
			if dir := better[v.Unit]; dir != 0 && !units[v.Unit] {
				units[v.Unit] = true
				if err := out.Write(unitLine(v.Unit, dir)); err != nil {
					return err
				}
			}
		}
		if err := out.Write(&benchfmt.Result{Config: config(r), Name: name(r), Iters: 1, Values: vs}); err != nil {
			return err
		}
	}
	return nil
}

// comments carry what the format has no place for. Its readers pass over them.
func comments(w io.Writer, t rows.Table) error {
	lines := []string{"# tide report --format benchfmt"}
	if t.Quick() {
		lines = append(lines, "# QUICK: too short to be quoted")
	}
	seen := map[string]bool{}
	for _, r := range t.Rows {
		if !r.Usable() && !seen[r.Trial] {
			seen[r.Trial] = true
			lines = append(lines, fmt.Sprintf("# not below: %s is %s", r.Trial, r.Verdict))
		}
	}
	for _, warning := range t.Warnings() {
		lines = append(lines, "# warning: "+oneLine(warning))
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func unitLine(unit string, better int) *benchfmt.UnitMetadata {
	word := "lower"
	if better == rows.Higher {
		word = "higher"
	}
	return &benchfmt.UnitMetadata{UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: unit, Key: "better"}, OrigUnit: unit, Value: word}
}

// measures of a row in the units of Go's benchmarks, and in which direction
// each is better.
func measures(r rows.Row) ([]benchfmt.Value, map[string]int) {
	var out []benchfmt.Value
	better := map[string]int{}
	add := func(v float64, unit string, dir int) {
		if _, again := better[unit]; !again {
			out, better[unit] = append(out, benchfmt.Value{Value: v, Unit: unit}), dir
		}
	}
	known := map[string]bool{}
	for _, m := range rows.Metrics() {
		known[m.Name] = true
		isTime := strings.HasSuffix(m.Name, "_us")
		if v, ok := r.Values[m.Name]; ok && m.Bench != "" && !(isTime && r.Closed) { // of a closed loop: no latency
			add(v*m.Scale, m.Bench, m.Better)
		}
	}
	for _, more := range []map[string]float64{r.Values, r.Figures} {
		for _, k := range slices.Sorted(maps.Keys(more)) {
			if m, ok := rows.Measure(k); ok && !known[k] {
				add(more[k]*m.Scale, m.Bench, m.Better)
			}
		}
	}
	return out, better
}

// config is the machine. Its keys begin in lower case.
func config(r rows.Row) []benchfmt.Config {
	e := r.Env
	goos, goarch, _ := strings.Cut(e.Build.Platform, "/")
	var out []benchfmt.Config
	for _, c := range []struct{ key, value string }{
		{"goos", goos},
		{"goarch", goarch},
		{"cpu", e.CPU.Model},
		{"cores", strconv.Itoa(e.CPU.Cores)},
		{"kernel", e.Kernel.Release},
		{"filesystem", e.Filesystem},
		{"device", e.Device.Name},
		{"simulated", r.Simulated},
	} {
		if v := oneLine(c.value); v != "" {
			out = append(out, benchfmt.Config{Key: c.key, Value: []byte(v), File: true})
		}
	}
	return out
}

// name is Workload/target=…/setting=…/phase=…; of a matrix Workload/axis=….
func name(r rows.Row) benchfmt.Name {
	out := camel(r.Workload)
	add := func(key, value string) {
		if value != "" {
			out += "/" + part(key) + "=" + part(value)
		}
	}
	if r.Matrix == "" {
		target, _, _ := strings.Cut(r.Target, "?")
		add("target", target)
	}
	for _, k := range slices.Sorted(maps.Keys(r.Settings)) {
		short, ofBroker := strings.CutPrefix(k, "broker.")
		short, ofTarget := strings.CutPrefix(short, "target.")
		if ofBroker || ofTarget || r.Matrix != "" {
			add(short, r.Settings[k])
		}
	}
	add("phase", r.Phase)
	// A number behind a dash at the end would be read as GOMAXPROCS.
	if i := strings.LastIndexByte(out, '-'); i >= 0 && i+1 < len(out) && strings.Trim(out[i+1:], "0123456789") == "" {
		out = out[:i] + "_" + out[i+1:]
	}
	return benchfmt.Name(out)
}

// part of a name: no spaces, no slashes.
func part(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '/':
			return ':'
		case unicode.IsSpace(r) || !unicode.IsPrint(r):
			return '_'
		}
		return r
	}, s)
}

// camel makes Tail2k of tail-2k: a benchmark's name has no lower case letter
// behind Benchmark.
func camel(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, w := range words {
		first := []rune(w)
		first[0] = unicode.ToUpper(first[0])
		words[i] = string(first)
	}
	if len(words) == 0 {
		return "Workload"
	}
	return strings.Join(words, "")
}

package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/results"
)

func (d *matrixData) cell(c results.Cell, at map[string]int) cellData {
	out := cellData{Kind: d.kind(c), Flush: c.Text("durability"), Command: c.Trials[0].Command}
	for _, a := range d.Axes {
		out.At = append(out.At, slices.Index(a.Values, settingOf(c, a.Name)))
	}
	for _, t := range c.Trials {
		if i, ok := at[t.Key()]; ok {
			out.Trials = append(out.Trials, i)
		}
	}
	all := len(c.Trials)
	c.Trials = slices.DeleteFunc(slices.Clone(c.Trials), func(t results.CellTrial) bool { return t.Result["verdict"] == results.Invalid })
	out.N, out.Invalid = len(c.Trials), c.Invalid+all-len(c.Trials)
	for _, name := range d.Metrics {
		s, ok := c.Stat(name)
		if !ok || math.IsNaN(s.Median) || math.IsInf(s.Median, 0) {
			out.Stats = append(out.Stats, nil)
			continue
		}
		out.Stats = append(out.Stats, &[3]exact{exact(s.Median), exact(s.Min), exact(s.Max)})
	}
	return out
}

// kind of a cell; a new one is added.
func (d *matrixData) kind(c results.Cell) int {
	durability := results.Durability{Flush: c.Text("durability"), PowerCut: c.Text("power_cut")}
	class, model := durability.Class(), cmp.Or(c.Text("simulated"), c.Simulated)
	at := slices.IndexFunc(d.Kinds, func(k kind) bool { return k.Class == class && k.Simulated == (model != "") })
	if at < 0 {
		at = len(d.Kinds)
		d.Kinds = append(d.Kinds, kind{Class: class, Simulated: model != ""})
	}
	k := &d.Kinds[at]
	if !slices.Contains(k.Flushes, durability.Flush) {
		k.Flushes = append(k.Flushes, durability.Flush)
	}
	if model != "" && !slices.Contains(k.Models, model) {
		k.Models = append(k.Models, model)
	}
	return at
}

func settingOf(c results.Cell, name string) string {
	if name == workloadAxis {
		return c.Workload
	}
	return c.Settings[name]
}

// axesOf lists the settings with more than one value, and the workload.
func axesOf(cells []results.Cell) []axis {
	var out []axis
	for _, name := range settingNames(cells) {
		a := axis{Name: name}
		for _, c := range cells {
			if v := settingOf(c, name); v != "" && !slices.Contains(a.Values, v) {
				a.Values = append(a.Values, v)
			}
		}
		if len(a.Values) > 1 {
			slices.SortFunc(a.Values, bySize)
			out = append(out, a)
		}
	}
	return out
}

func settingNames(cells []results.Cell) []string {
	names := map[string]bool{workloadAxis: true}
	for _, c := range cells {
		for k := range c.Settings {
			names[k] = true
		}
	}
	return sortedSet(names)
}

// bySize compares values of an axis: as sizes, numbers or durations where both
// are such, else as texts.
func bySize(a, b string) int {
	x, okX := sizeOf(a)
	y, okY := sizeOf(b)
	if okX && okY {
		return cmp.Or(cmp.Compare(x, y), strings.Compare(a, b))
	}
	return strings.Compare(a, b)
}

func sizeOf(s string) (float64, bool) {
	s, _, _ = strings.Cut(s, ",") // of a soft and a hard limit, the first
	if n, err := units.ParseSize(s); err == nil {
		return float64(n), true
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return f, true
	}
	d, err := time.ParseDuration(s)
	return d.Seconds(), err == nil
}

// metrics are the numbers that cells have and that are not the same everywhere.
func (m Matrix) metrics(cells []results.Cell) []string {
	values := map[string]float64{}
	differs := map[string]bool{}
	for _, c := range cells {
		for _, t := range c.Trials {
			for k := range t.Result {
				v, ok := t.Number(k)
				if was, seen := values[k]; ok && seen && was != v {
					differs[k] = true
				} else if ok {
					values[k] = v
				}
			}
		}
	}
	own := m.Run.Header.Metric
	_, hasOwn := values[own]
	delete(differs, own)
	out := sortedSet(differs)
	if hasOwn {
		out = slices.Insert(out, 0, own)
	}
	return out
}

// same are the settings that every cell has alike.
func (m Matrix) same() []pair {
	count, total := map[pair]int{}, 0
	for _, c := range m.Run.Cells() {
		total++
		for k, v := range c.Settings {
			count[pair{k, v}]++
		}
	}
	maps.DeleteFunc(count, func(_ pair, n int) bool { return n < total })
	return slices.SortedFunc(maps.Keys(count), func(a, b pair) int { return strings.Compare(a.Name, b.Name) })
}

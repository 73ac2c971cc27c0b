package report

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/results/rows"
	"github.com/tidelog/tide/results/stats"
)

// maxMeasures of a matrix beside its own metric: more does not fit a terminal.
const maxMeasures = 5

// cellTable has a line for each cell: medians of its good repeats.
func cellTable(m []rows.Row) table.Writer {
	measures := measuresOf(m)
	axes := varying(m)
	head := []any{"workload"}
	for _, name := range slices.Concat(axes, []string{"repeats"}, measures) {
		head = append(head, name)
	}
	tw := newTable("matrix "+m[0].Matrix, append(head, "verdict")...)
	alignRight(tw, 2+len(axes), 2+len(axes)+len(measures))
	for _, cell := range byCell(m) {
		row := table.Row{cell[0].Workload}
		for _, a := range axes {
			row = append(row, cell[0].Settings[a])
		}
		good := slices.DeleteFunc(slices.Clone(cell), func(r rows.Row) bool { return !r.Usable() || r.AA })
		row = append(row, len(good))
		for _, name := range measures {
			row = append(row, median(good, name))
		}
		tw.AppendRow(append(row, verdictOf(worst(cell), cell[0].Simulated)))
	}
	return tw
}

func byCell(m []rows.Row) [][]rows.Row {
	cells := map[string][]rows.Row{}
	for _, r := range m {
		cells[r.Cell] = append(cells[r.Cell], r)
	}
	out := slices.Collect(maps.Values(cells))
	slices.SortFunc(out, func(a, b []rows.Row) int { return order(a[0], b[0]) })
	return out
}

// order of cells: by workload, then by each axis.
func order(a, b rows.Row) int {
	if c := cmp.Compare(a.Workload, b.Workload); c != 0 {
		return c
	}
	for _, axis := range slices.Sorted(maps.Keys(a.Settings)) {
		x, y := a.Settings[axis], b.Settings[axis]
		p, okX := quantity(x)
		q, okY := quantity(y)
		if okX && okY && p != q {
			return cmp.Compare(p, q)
		}
		if c := cmp.Compare(x, y); c != 0 && !(okX && okY) {
			return c
		}
	}
	return cmp.Compare(a.Cell, b.Cell)
}

// quantity of a setting that is a number or a size.
func quantity(s string) (float64, bool) {
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		return v, true
	}
	n, err := units.ParseSize(s)
	return float64(n), err == nil
}

// varying axes: those with more than one value.
func varying(m []rows.Row) []string {
	first, more := map[string]string{}, map[string]bool{}
	for i, r := range m {
		for k, v := range r.Settings {
			was, known := first[k]
			more[k] = more[k] || known && was != v || !known && i > 0
			first[k] = v
		}
	}
	maps.DeleteFunc(more, func(_ string, varies bool) bool { return !varies })
	return slices.Sorted(maps.Keys(more))
}

// preferred measures, after the matrix's own metric.
var preferred = []string{
	"produce_response_p50_us", "produce_response_p99_us", "p50_us", "p99_us", "p999_us", "mib_per_s", "cpu_s_per_gib",
}

// measuresOf a matrix: its metric, what is preferred, then others by name.
// What is zero in every row was switched off.
func measuresOf(m []rows.Row) []string {
	there := map[string]bool{}
	for _, r := range m {
		for k, v := range r.Values {
			there[k] = there[k] || v != 0
		}
	}
	known := map[string]bool{}
	for _, metric := range rows.Metrics() {
		known[metric.Name] = metric.Main
	}
	out := []string{m[0].Metric}
	for _, name := range slices.Concat(preferred, slices.Sorted(maps.Keys(there))) {
		main, isKnown := known[name]
		if !isKnown {
			_, main = rows.Measure(name)
		}
		if main && there[name] && !slices.Contains(out, name) && len(out) <= maxMeasures {
			out = append(out, name)
		}
	}
	return out
}

func median(of []rows.Row, name string) string {
	var vs []float64
	for _, r := range of {
		if v, ok := r.Values[name]; ok {
			vs = append(vs, v)
		}
	}
	if len(vs) == 0 {
		return "–"
	}
	return significant(stats.Summarize(vs).Median)
}

// worst verdict of some rows.
func worst(of []rows.Row) string {
	t := rows.Table{Rows: of}
	switch {
	case t.Invalid():
		return "INVALID"
	case t.Quick():
		return "QUICK"
	}
	return "VALID"
}

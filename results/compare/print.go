package compare

import (
	"fmt"
	"io"
	"math"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Print writes a report for people: what differs in the configuration first,
// then the numbers, then everything that they must not be read without.
func Print(w io.Writer, r *Report) {
	fmt.Fprintf(w, "A  %s\nB  %s\n", r.A, r.B)
	for _, p := range r.Pairs {
		printPair(w, p)
	}
	fmt.Fprintf(w, "Medians. The interval of B ÷ A (%.0f %%, bootstrap, seed %d) and p (Mann-Whitney) are of the repeats.\n"+
		"~ stands for a difference smaller than the smallest that can be told apart here, ? for one of which that is not known.\n", 100*r.Confidence, r.Seed)
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "%-10s %s\n", "warning", warning)
	}
	quotable := "may be quoted"
	if !r.Quotable {
		quotable = "not quotable"
	}
	fmt.Fprintf(w, "%-10s %s, %s\n", "verdict", r.Verdict, quotable)
}

// String is one side in a line.
func (s SideSummary) String() string {
	return fmt.Sprintf("%s (configurations: %d, trials: %d, INVALID and left out: %d)", s.Dir, s.Groups, s.Repeats, s.Invalid)
}

func printPair(w io.Writer, p Pair) {
	fmt.Fprintf(w, "\n%s\n", p.NameA)
	if p.NameB != p.NameA {
		fmt.Fprintf(w, "against %s\n", p.NameB)
	}
	if len(p.Configuration) > 0 {
		tw := newTable("setting", "A", "B")
		for _, d := range p.Configuration {
			tw.AppendRow(table.Row{d.Key, d.A, d.B})
		}
		fmt.Fprintln(w, tw.Render())
	}
	tw := newTable("phase", "metric", "A", "B", "B ÷ A", "interval", "p", "smallest", "B is")
	tw.SetColumnConfigs([]table.ColumnConfig{right(3), right(4), right(5), right(6), right(7), right(8)})
	for _, m := range p.Metrics {
		if m.Main {
			tw.AppendRow(metricRow(m))
		}
	}
	fmt.Fprintln(w, tw.Render())
}

func metricRow(m Metric) table.Row {
	interval := "–"
	if !math.IsNaN(float64(m.Low)) {
		interval = fmt.Sprintf("%.3f to %.3f", m.Low, m.High)
	}
	return table.Row{
		m.Phase, m.Name, significant(m.A), significant(m.B), fixed("%.3f", m.Ratio), interval,
		fixed("%.3f", m.P), fixed("%.1f %%", 100*m.Detectable), m.Word,
	}
}

// significant writes four digits, and whole numbers out.
func significant(n Number) string {
	if v := float64(n); math.Abs(v) >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fixed("%.4g", n)
}

// fixed writes a dash for what does not exist.
func fixed(format string, n Number) string {
	if math.IsNaN(float64(n)) {
		return "–"
	}
	return fmt.Sprintf(format, float64(n))
}

func newTable(columns ...any) table.Writer {
	tw := table.NewWriter()
	tw.SetStyle(table.StyleRounded)
	tw.Style().Format.Header = text.FormatDefault
	tw.AppendHeader(columns)
	return tw
}

func right(column int) table.ColumnConfig {
	return table.ColumnConfig{Number: column, Align: text.AlignRight, AlignHeader: text.AlignRight}
}

package report

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/tidelog/tide/results"
)

// Summary prints one line per trial and measured phase, for trials that ran
// in turn. Phases that only prepare are left out.
func Summary(w io.Writer, trials []*results.Trial) {
	tw := newTable("summary", "workload", "target", "phase", "in MiB/s", "read MiB/s", "response p50", "p99", "p99.9 ms",
		"CPU s/GiB", "peak RSS MiB", "flush", "verdict")
	alignRight(tw, 4, 10)
	for _, t := range trials {
		for _, p := range t.Run.Phases {
			if p.Name != "warm-up" {
				tw.AppendRow(summaryRow(t, p))
			}
		}
	}
	fmt.Fprintln(w, tw.Render())
}

func summaryRow(t *results.Trial, p results.Phase) table.Row {
	row := table.Row{t.Run.Workload, t.Run.Target, p.Name, rate(p, p.AckedBytes), rate(p, p.ConsumedB+p.CaughtUpB)}
	h := t.Merged(results.ProduceResponse, p.Name)
	for _, at := range []float64{50, 99, 99.9} {
		if h.TotalCount() == 0 {
			row = append(row, "–")
			continue
		}
		row = append(row, Milliseconds(h.ValueAtPercentile(at)))
	}
	cpu := "–"
	if n := p.AckedBytes; p.CPU > 0 && n+p.CaughtUpB > 0 {
		if n == 0 {
			n = p.CaughtUpB
		}
		cpu = fmt.Sprintf("%.2f", p.CPU/(float64(n)/(1<<30)))
	}
	rss := "–"
	if f, ok := t.Run.Figures["target peak RSS"]; ok {
		rss = fmt.Sprintf("%.0f", f.Value)
	}
	return append(row, cpu, rss, t.Run.Durability.Flush, t.Run.Verdict.Word)
}

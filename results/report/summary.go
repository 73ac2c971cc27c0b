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
	tw := summaryTable()
	for _, t := range trials {
		for _, r := range rowsOf(t, mergerOf(t)) {
			tw.AppendRow(summaryRow(t.Run.Workload, t.Run.Target, t.Run.Durability.Flush, t.Run.Verdict.Word, r))
		}
	}
	fmt.Fprintln(w, tw.Render())
	var of []memory
	for _, t := range trials {
		of = append(of, memoryOf(t))
	}
	memoryLines(w, of)
}

// Summary prints the same of the trials that were added.
func (o *Overlay) Summary(w io.Writer) {
	tw := summaryTable()
	for _, d := range o.trials {
		for _, r := range d.rows {
			tw.AppendRow(summaryRow(d.Workload, d.Target, d.Flush, d.Verdict, r))
		}
	}
	fmt.Fprintln(w, tw.Render())
	var of []memory
	for _, d := range o.trials {
		of = append(of, d.memory)
	}
	memoryLines(w, of)
}

func summaryTable() table.Writer {
	tw := newTable("summary", "workload", "target", "phase", "in MiB/s", "read MiB/s", "response p50", "p99", "p99.9 ms",
		"CPU s/GiB", "peak RSS MiB", "less arenas", "memory.peak", "flush", "verdict")
	alignRight(tw, 4, 12)
	return tw
}

func summaryRow(workload, target, flush, verdict string, r row) table.Row {
	return table.Row{workload, target, r.Phase, r.In, r.Read, r.P50, r.P99, r.P999, r.CPU, r.RSS, r.Less, r.Memory, flush, verdict}
}

package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/tidelog/tide/results"
)

func held(p results.Probe) string {
	switch {
	case p.Held:
		return "yes"
	case p.Void:
		return "void"
	}
	return "no"
}

// probeTable lists what a search has tried, in its order.
func probeTable(s *results.Search) table.Writer {
	name, _, _ := strings.Cut(s.Limit, "=")
	tw := newTable(fmt.Sprintf("search for the highest rate with %s ≤ %v", name, s.Limited()), "records/s", name+", ms", "held", "verdict", "why not", "trial")
	alignRight(tw, 1, 2)
	for _, p := range s.Probes {
		value := "–"
		if p.ValueNs > 0 {
			value = Milliseconds(time.Duration(p.ValueNs).Nanoseconds())
		}
		tw.AppendRow(table.Row{p.Rate, value, held(p), p.Verdict, p.Why(), p.Trial})
	}
	tw.SetColumnConfigs([]table.ColumnConfig{{Number: 5, WidthMax: 60}})
	return tw
}

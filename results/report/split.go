package report

import "github.com/tidelog/tide/results"

// splitRows are the response times of a phase during uploads and between them,
// for the table of latencies.
func splitRows(p results.Phase) []latencyRow {
	var rows []latencyRow
	for _, s := range p.Splits {
		during, between := "… during uploads", "… between uploads"
		if s.Work == "compaction" {
			during, between = "… during compaction", "… without compaction"
		}
		for _, side := range []struct {
			name  string
			times results.Times
		}{{during, s.During}, {between, s.Between}} {
			if side.times.Count == 0 {
				continue
			}
			row := latencyRow{Phase: p.Name, Name: side.name, Count: side.times.Count}
			for _, ns := range []int64{side.times.P50, side.times.P90, side.times.P99, side.times.P999, side.times.Max} {
				row.Values = append(row.Values, Milliseconds(ns)) // by quantiles
			}
			rows = append(rows, row)
		}
	}
	return rows
}

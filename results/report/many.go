package report

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/tidelog/tide/results/rows"
)

// Many prints results of any number of directories: a line for each phase of a
// trial, a table for each matrix, and all warnings.
func Many(w io.Writer, t rows.Table) {
	trials, matrices := split(t)
	if len(trials) > 0 {
		fmt.Fprintln(w, phaseTable(trials).Render())
	}
	for _, m := range matrices {
		fmt.Fprintln(w, cellTable(m).Render())
		printNoise(w, m)
	}
	for _, warning := range t.Warnings() {
		fmt.Fprintf(w, "warning  %s\n", warning)
	}
	if t.Quick() {
		fmt.Fprintln(w, "QUICK: not quotable")
	}
}

// printNoise says what the numbers of a matrix have to be read with.
func printNoise(w io.Writer, m []rows.Row) {
	aa, detectable, ok := rows.Noise(m, m[0].Metric)
	switch {
	case !ok:
		fmt.Fprintf(w, "noise    not known: no A/A pair has %s\n", m[0].Metric)
	case math.IsNaN(detectable):
		fmt.Fprintf(w, "noise    A/A difference of %s %.1f %%, of one repeat\n", m[0].Metric, 100*aa)
	default:
		fmt.Fprintf(w, "noise    A/A difference of %s %.1f %%; smallest that can be told apart %.1f %%\n", m[0].Metric, 100*aa, 100*detectable)
	}
}

// split keeps the order. A broken folder is in the warnings only.
func split(t rows.Table) (trials []rows.Row, matrices [][]rows.Row) {
	at := map[string]int{}
	for _, r := range t.Rows {
		switch {
		case r.Verdict == rows.Broken:
		case r.Matrix == "":
			trials = append(trials, r)
		default:
			i, known := at[r.Dir]
			if !known {
				i = len(matrices)
				at[r.Dir] = i
				matrices = append(matrices, nil)
			}
			matrices[i] = append(matrices[i], r)
		}
	}
	return trials, matrices
}

// maxTarget is the width of the column in which a target stands.
const maxTarget = 44

func phaseTable(trials []rows.Row) table.Writer {
	tw := newTable("trials", "workload", "target", "phase", "in MiB/s", "read MiB/s", "response p50", "p99", "p99.9 ms",
		"CPU s/GiB", "peak RSS MiB", "less arenas", "memory.peak", "flush", "verdict")
	var cfg []table.ColumnConfig
	for i := 4; i <= 12; i++ {
		cfg = append(cfg, table.ColumnConfig{Number: i, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	tw.SetColumnConfigs(append(cfg, table.ColumnConfig{Number: 2, WidthMax: maxTarget}))
	measured := map[string]bool{} // by trial: a phase that does not only prepare
	for _, r := range trials {
		measured[r.Dir] = measured[r.Dir] || r.Phase != warmUp
	}
	for _, r := range trials {
		if r.Phase == warmUp && measured[r.Dir] {
			continue
		}
		if r.Phase == warmUp {
			r.Phase, r.Values = none, nil
		}
		tw.AppendRow(table.Row{
			r.Workload, r.Target, r.Phase,
			one(r.Values, "acked_mib_per_s"), one(r.Values, "consumed_mib_per_s", "caught_up_mib_per_s"),
			millis(r, "produce_response_p50_us"), millis(r, "produce_response_p99_us"), millis(r, "produce_response_p999_us"),
			formatted("%.2f", r.Values, "target_cpu_s_per_gib"), formatted("%.0f", r.Figures, "target_peak_rss_mib"),
			formatted("%.0f", r.Figures, "target_peak_rss_less_arenas_mib"), formatted("%.0f", r.Figures, "target_peak_memory_mib"),
			r.Durability.Flush, verdictOf(r.Verdict, r.Simulated),
		})
	}
	return tw
}

// verdictOf a row never stands without the models that it was made with.
func verdictOf(word, simulated string) string {
	if simulated != "" {
		return word + ", simulated: " + simulated
	}
	return word
}

// one digit behind the point of a sum of values.
func one(of map[string]float64, names ...string) string { return formatted("%.1f", of, names...) }

func formatted(format string, of map[string]float64, names ...string) string {
	sum, there := 0.0, false
	for _, name := range names {
		v, ok := of[name]
		sum, there = sum+v, there || ok
	}
	if !there {
		return "–"
	}
	return fmt.Sprintf(format, sum)
}

// millis leaves out the times of a closed loop, which are no latencies.
func millis(r rows.Row, name string) string {
	us, ok := r.Values[name]
	if !ok || r.Closed {
		return "–"
	}
	return Milliseconds(int64(us*float64(time.Microsecond) + 0.5))
}

// Package report turns results into what a person reads: tables for the
// terminal and HTML pages that work offline.
//
//	Write(trial)            <trial>/report.html   one trial: every time and column
//	Overlay, WriteOverlay   any path              several: what differs, a table, what is picked
//	Matrix.Write            <matrix>/report.html  heat maps, sensitivity, front, best cell
//
// A page is one file:
//
//	style     uplot/uPlot.min.css + page/page.css
//	HTML      tables and badges, made here: they are there without scripts, and
//	          agree with the terminal because the same functions write them
//	data      <script type="application/json">: digests (see digest.go)
//	scripts   uplot/uPlot.iife.min.js, page/base.js, page/plots.js, and the page's own
//
// uPlot is the released file of 1.6.32, with its licence beside it. The page's
// content security policy forbids every request.
package report

import (
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/tidelog/tide/results"
)

// quantiles of every table, with the column's name.
var quantiles = []struct {
	Name string
	At   float64
}{{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"max", 100}}

// shown series of the tables.
var shown = []struct {
	Name   string
	Series results.Series
}{{"response", results.ProduceResponse}, {"end to end", results.E2EResponse}, {"fetch", results.FetchResponse}}

// latencyRow is one phase and series.
type latencyRow struct {
	Phase  string
	Name   string
	Count  int64
	Values []string // milliseconds, by quantile
}

func latencyRows(t *results.Trial) []latencyRow {
	var rows []latencyRow
	for _, p := range t.Run.Phases {
		for _, s := range shown {
			h := t.Merged(s.Series, p.Name)
			if h.TotalCount() == 0 {
				continue
			}
			r := latencyRow{Phase: p.Name, Name: s.Name, Count: h.TotalCount()}
			for _, q := range quantiles {
				r.Values = append(r.Values, Milliseconds(h.ValueAtPercentile(q.At)))
			}
			rows = append(rows, r)
			if s.Series == results.ProduceResponse {
				rows = append(rows, splitRows(p)...)
			}
		}
	}
	return rows
}

// Milliseconds writes nanoseconds with three digits or so.
func Milliseconds(ns int64) string {
	ms := float64(ns) / float64(time.Millisecond)
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}

// rateRow is one phase and its rates.
type rateRow struct {
	Phase                 string
	Seconds               string
	Target, Acked         string // records a second
	In, Tail              string // MiB/s
	CatchUp               string // MiB: it does not last the whole phase
	Puts, Gets            string
	PutMiB, GetMiB, Share string // Share: acknowledged ÷ scheduled
}

func rateRows(t *results.Trial) []rateRow {
	var rows []rateRow
	for _, p := range t.Run.Phases {
		r := rateRow{
			Phase: p.Name, Seconds: fmt.Sprintf("%.1f", p.Seconds()), Target: "closed loop", Share: "–",
			Acked: fmt.Sprintf("%.0f", p.PerSecond(p.Acked)),
			In:    rate(p, p.AckedBytes), Tail: rate(p, p.ConsumedB), CatchUp: mib(p.CaughtUpB),
			Puts: fmt.Sprint(p.Puts), Gets: fmt.Sprint(p.Gets),
			PutMiB: mib(p.PutBytes), GetMiB: mib(p.GetBytes),
		}
		if !p.Closed {
			r.Target = fmt.Sprintf("%.0f", p.PerSecond(p.Scheduled))
		}
		if !p.Closed && p.Scheduled > 0 {
			r.Share = fmt.Sprintf("%.1f %%", 100*float64(p.Acked)/float64(p.Scheduled))
		}
		rows = append(rows, r)
	}
	return rows
}

func rate(p results.Phase, bytes int64) string {
	if bytes == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f", p.MiBPerSecond(bytes))
}

func mib(bytes int64) string { return fmt.Sprintf("%.1f", float64(bytes)/(1<<20)) }

// Table prints latencies, rates, single figures and the verdict with its
// reasons, warnings and hints.
func Table(w io.Writer, t *results.Trial) {
	fmt.Fprintln(w, latencyTable(t).Render())
	fmt.Fprintln(w, rateTable(t).Render())
	if t.Run.Search != nil {
		fmt.Fprintln(w, probeTable(t.Run.Search).Render())
	}
	for _, f := range figureRows(t) {
		fmt.Fprintf(w, "%-34s %s\n", f.Name, f.Value)
	}
	v := t.Run.Verification
	if v.Done {
		fmt.Fprintf(w, "%-34s %d of %d acknowledged records there exactly once, in order, intact\n",
			"verified", v.Expected-v.Lost, v.Expected)
	}
	d := t.Run.Durability
	fmt.Fprintf(w, "%-34s acks=%s, flush=%s, replicas=%d: %s\n", "durability", d.Acks, d.Flush, d.Replicas, d.PowerCut)
	for _, f := range t.Warnings() {
		fmt.Fprintf(w, "%-34s %s\n", "warning", f)
	}
	fmt.Fprintf(w, "%-34s %s\n", "verdict", t.Run.Verdict.Word)
	for _, f := range t.Run.Verdict.Reasons {
		fmt.Fprintf(w, "  %s\n", f)
	}
	for _, s := range v.Samples {
		fmt.Fprintf(w, "  %s\n", s)
	}
}

func newTable(title string, columns ...any) table.Writer {
	tw := table.NewWriter()
	tw.SetStyle(table.StyleRounded)
	tw.Style().Format.Header = text.FormatDefault
	tw.SetTitle(title)
	tw.AppendHeader(columns)
	return tw
}

func latencyTable(t *results.Trial) table.Writer {
	head := []any{"phase", "time, ms", "records"}
	for _, q := range quantiles {
		head = append(head, q.Name)
	}
	tw := newTable("latency", head...)
	alignRight(tw, 3, len(head))
	for _, r := range latencyRows(t) {
		row := table.Row{r.Phase, r.Name, r.Count}
		for _, v := range r.Values {
			row = append(row, v)
		}
		tw.AppendRow(row)
	}
	return tw
}

func rateTable(t *results.Trial) table.Writer {
	tw := newTable("rates", "phase", "s", "target/s", "acked/s", "reached", "in MiB/s", "tail MiB/s", "catch-up MiB", "PUT", "MiB", "GET", "MiB")
	alignRight(tw, 2, 12)
	for _, r := range rateRows(t) {
		tw.AppendRow(table.Row{r.Phase, r.Seconds, r.Target, r.Acked, r.Share, r.In, r.Tail, r.CatchUp, r.Puts, r.PutMiB, r.Gets, r.GetMiB})
	}
	return tw
}

func alignRight(tw table.Writer, from, to int) {
	var cfg []table.ColumnConfig
	for i := from; i <= to; i++ {
		cfg = append(cfg, table.ColumnConfig{Number: i, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	tw.SetColumnConfigs(cfg)
}

package report

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"math"
	"path/filepath"
	"slices"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/figures"
	"github.com/tidelog/tide/results/omb"
)

// pair is a name and a value, in the order in which they are shown.
type pair struct{ Name, Value string }

// figureRows are the run's single numbers.
func figureRows(t *results.Trial) []pair {
	var rows []pair
	for _, name := range slices.Sorted(maps.Keys(t.Run.Figures)) {
		f := t.Run.Figures[name]
		rows = append(rows, pair{name, significant(f.Value) + " " + f.Unit})
	}
	return rows
}

// significant writes four digits, and whole numbers out.
func significant(v float64) string {
	if math.Abs(v) >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g", v)
}

// picture is a figure as a reader without scripts sees it.
type picture struct {
	Title string
	SVG   template.HTML
}

// maxTrialPoints of a trial's timelines: more than a screen has columns.
const maxTrialPoints = 2000

// trialPage is what trial.html.tmpl shows.
type trialPage struct {
	*results.Trial
	Measured  string
	Judged    string
	Verified  string
	Again     string
	Class     results.DurabilityClass
	Tiles     []tile
	Quantiles []string
	Latency   []latencyRow
	Rates     []rateRow
	Rows      []row
	Numbers   []pair
	Config    []pair
	Counters  []pair
	Machine   []pair
	Pictures  []picture
	Data      template.JS
}

// HTML makes the page of one trial: one file, nothing fetched from anywhere.
func HTML(t *results.Trial, drawn []figures.Drawn) ([]byte, error) {
	every := make([]results.Series, results.SeriesCount)
	for s := range every {
		every[s] = results.Series(s)
	}
	js, err := data(pageData{Kind: "trial", Ticks: ticks(), Trials: []*digest{digestOf(t, every, maxTrialPoints)}})
	if err != nil {
		return nil, fmt.Errorf("report of %s: %w", t.Dir, err)
	}
	p := trialPage{
		Trial: t, Measured: measured(t), Judged: judged(t.Run), Verified: verified(t.Run.Verification), Again: again(t.Run),
		Class: t.Run.Durability.Class(), Tiles: tiles(t), Latency: latencyRows(t), Rates: rateRows(t), Rows: rowsOf(t, mergerOf(t)),
		Numbers: figureRows(t), Config: sortedPairs(t.Run.Config), Counters: counters(t.Run.Counters),
		Machine: append(lasting(t.Env), passing(t.Env)...), Data: js,
	}
	for _, q := range quantiles {
		p.Quantiles = append(p.Quantiles, q.Name)
	}
	for _, d := range drawn {
		p.Pictures = append(p.Pictures, picture{d.Title, inline(d.SVG)})
	}
	html, err := execute("trial", p)
	if err != nil {
		return nil, fmt.Errorf("report of %s: %w", t.Dir, err)
	}
	return html, nil
}

// inline drops the XML declaration, which may not stand inside HTML. The SVG
// is gonum's own output: text in it is escaped already.
func inline(svg []byte) template.HTML {
	if i := bytes.Index(svg, []byte("<svg")); i >= 0 {
		svg = svg[i:]
	}
	return template.HTML(svg)
}

// Write makes what the trial's directory holds beside its record: the figures,
// omb.json, where no log is missing for it, and the page. It returns the page's
// path.
func Write(t *results.Trial) (string, error) {
	if err := omb.Write(t); err != nil && !errors.Is(err, omb.ErrIncomplete) {
		return "", err
	}
	drawn, err := figures.Draw(t)
	if err != nil {
		return "", err
	}
	if err := figures.Write(t, drawn); err != nil {
		return "", err
	}
	html, err := HTML(t, drawn)
	if err != nil {
		return "", err
	}
	path := filepath.Join(t.Dir, pageFile)
	return path, writePage(path, html)
}

// pageFile is the page's name in the directory of a trial or matrix.
const pageFile = "report.html"

func sortedPairs(m map[string]string) []pair {
	var out []pair
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, pair{k, m[k]})
	}
	return out
}

func counters(m map[string]int64) []pair {
	var out []pair
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, pair{k, fmt.Sprint(m[k])})
	}
	return out
}

// lasting is what of a machine stays the same from trial to trial.
func lasting(e results.Env) []pair {
	return []pair{
		{"kernel", e.Kernel.Release},
		{"io_uring", e.Kernel.IOUring},
		{"CPU", fmt.Sprintf("%s, %d cores", cmp.Or(e.CPU.Model, "unknown"), e.CPU.Cores)},
		{"governor", e.CPU.Governor},
		{"memory", mib(e.Memory) + " MiB"},
		{"clock source", e.Clock},
		{"filesystem", e.Filesystem},
		{"device", e.Device.Name},
		{"write cache", e.Device.WriteCache},
		{"FUA", e.Device.FUA},
		{"scheduler", e.Device.Scheduler},
		{"Go", e.Build.Go + " " + e.Build.Platform},
		{"commit", e.Build.Commit},
	}
}

// passing is what is never the same twice.
func passing(e results.Env) []pair {
	return []pair{{"steal", fmt.Sprintf("%.2f %%", e.Steal)}, {"load average before", e.Load}}
}

// tile is a number that a reader looks for first.
type tile struct{ Name, Value, Unit, Note string }

// tiles of the headline phase. What was not measured has none.
func tiles(t *results.Trial) []tile {
	p, ok := headline(t)
	if !ok {
		return nil
	}
	r := rowOf(t, p, mergerOf(t))
	var out []tile
	add := func(name, value, unit, note string) {
		if value != none && value != "" {
			out = append(out, tile{name, value, unit, note})
		}
	}
	in := "phase " + p.Name
	add("produce p50", r.P50, "ms", in)
	add("produce p99", r.P99, "ms", in)
	add("produce p99.9", r.P999, "ms", in)
	add("end to end p99", r.E2E99, "ms", in)
	add("single fetch p99", r.Fetch99, "ms", in)
	add("written", r.In, "MiB/s", in)
	add("read", r.Read, "MiB/s", in)
	add("CPU of the target", r.CPU, "s/GiB", in)
	add("write amplification", r.Amplification, "×", r.AmplificationParts)
	add("peak RSS of the target", r.RSS, "MiB", "whole trial")
	add("RSS less arenas", r.Less, "MiB", "log cache and block cache taken off")
	add("memory.peak of its cgroup", r.Memory, "MiB", "page cache included")
	return out
}

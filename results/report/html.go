package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/figures"
)

//go:embed report.html.tmpl
var pageSource string

var page = template.Must(template.New("report").Parse(pageSource))

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

// picture is a figure inside the page.
type picture struct {
	Title string
	SVG   template.HTML
}

// HTML makes the page: one file, nothing fetched from anywhere.
func HTML(t *results.Trial, drawn []figures.Drawn) ([]byte, error) {
	data := struct {
		*results.Trial
		Quantiles []string
		Latency   []latencyRow
		Rates     []rateRow
		Numbers   []pair
		Config    []pair
		Counters  []pair
		Machine   []pair
		Pictures  []picture
	}{
		Trial: t, Latency: latencyRows(t), Rates: rateRows(t), Numbers: figureRows(t),
		Config: sortedPairs(t.Run.Config), Counters: counters(t.Run.Counters), Machine: machine(t.Env),
	}
	for _, q := range quantiles {
		data.Quantiles = append(data.Quantiles, q.Name)
	}
	for _, d := range drawn {
		data.Pictures = append(data.Pictures, picture{d.Title, inline(d.SVG)})
	}
	var buf bytes.Buffer
	if err := page.Execute(&buf, data); err != nil {
		return nil, fmt.Errorf("report of %s: %w", t.Dir, err)
	}
	return buf.Bytes(), nil
}

// inline drops the XML declaration, which may not stand inside HTML. The SVG
// is gonum's own output: text in it is escaped already.
func inline(svg []byte) template.HTML {
	if i := bytes.Index(svg, []byte("<svg")); i >= 0 {
		svg = svg[i:]
	}
	return template.HTML(svg)
}

// Write draws the figures and the page into the trial's directory and returns
// the page's path.
func Write(t *results.Trial) (string, error) {
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
	path := filepath.Join(t.Dir, "report.html")
	return path, os.WriteFile(path, html, 0o644)
}

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

func machine(e results.Env) []pair {
	return []pair{
		{"kernel", e.Kernel.Release},
		{"io_uring", e.Kernel.IOUring},
		{"CPU", fmt.Sprintf("%s, %d cores", e.CPU.Model, e.CPU.Cores)},
		{"governor", e.CPU.Governor},
		{"memory", mib(e.Memory) + " MiB"},
		{"clock source", e.Clock},
		{"filesystem", e.Filesystem},
		{"device", e.Device.Name},
		{"write cache", e.Device.WriteCache},
		{"FUA", e.Device.FUA},
		{"scheduler", e.Device.Scheduler},
		{"steal", fmt.Sprintf("%.2f %%", e.Steal)},
		{"load average before", e.Load},
		{"Go", e.Build.Go + " " + e.Build.Platform},
		{"commit", e.Build.Commit},
	}
}

package report_test

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/figures"
	"github.com/tidelog/tide/results/report"
	"github.com/tidelog/tide/results/resultstest"
)

func load(t *testing.T) *results.Trial {
	dir := filepath.Join(t.TempDir(), "demo-1")
	resultstest.Write(t, dir)
	trial, err := results.Load(dir)
	require.NoError(t, err)
	return trial
}

// TestTable is a transcript: go test -rewrite, and read the difference.
func TestTable(t *testing.T) {
	trial := load(t)
	datadriven.RunTest(t, "testdata/table", func(t *testing.T, d *datadriven.TestData) string {
		if d.HasArg("invalid") {
			trial.Run.Verification.Lost = 2
			trial.Run.Verification.Samples = []string{"partition 3: producer 1 sequence 7 was acknowledged and is not there"}
			trial.Run.Warnings = []results.Finding{{What: "no upload", Hint: "run longer"}}
			trial.Run.Verdict = results.Judge(&trial.Run)
		}
		var buf bytes.Buffer
		report.Table(&buf, trial)
		return buf.String()
	})
}

func TestPageWorksOffline(t *testing.T) {
	trial := load(t)
	path, err := report.Write(trial)
	require.NoError(t, err)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	html := string(b)
	require.Equal(t, 4, strings.Count(html, "<svg"), "for readers without scripts")
	require.NotContains(t, html, "<?xml")
	holds(t, html, `default-src 'none'`) // the browser itself refuses to fetch anything
	for _, forbidden := range []string{"<link", "src=", "@import", "<iframe", "fetch(", "XMLHttpRequest"} {
		require.NotContains(t, html, forbidden)
	}
	for _, want := range []string{"VALID", "acks=all", "flush=dsync", "load.rate", "write through", "recovery"} {
		holds(t, html, want)
	}
}

// Every text in the page says how wide it is: without that, a browser that
// lacks the font of the layout writes over lines and edges.
func TestTextFitsInAnyFont(t *testing.T) {
	drawn, err := figures.Draw(load(t))
	require.NoError(t, err)
	for _, d := range drawn {
		texts := strings.Split(string(d.SVG), "<text ")[1:]
		require.NotEmpty(t, texts)
		for _, text := range texts {
			tag, _, _ := strings.Cut(text, ">")
			require.Contains(t, tag, `textLength="`)
			require.Contains(t, tag, ",sans-serif;")
		}
	}
}

func TestPageEscapes(t *testing.T) {
	trial := load(t)
	trial.Run.Workload = "<script>alert(1)</script>"
	drawn, err := figures.Draw(trial)
	require.NoError(t, err)
	html, err := report.HTML(trial, drawn)
	require.NoError(t, err)
	require.NotContains(t, string(html), "<script>alert")
}

func TestFiguresAreWritten(t *testing.T) {
	trial := load(t)
	_, err := report.Write(trial)
	require.NoError(t, err)
	for _, name := range []string{"produce-response", "e2e-response", "timeline-latency", "timeline-rates"} {
		f, err := os.Open(filepath.Join(trial.Dir, "figures", name+".png"))
		require.NoError(t, err)
		img, err := png.Decode(f)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.Greater(t, img.Bounds().Dx(), 500)
	}
	if keep := os.Getenv("TIDE_KEEP_FIGURES"); keep != "" {
		require.NoError(t, os.CopyFS(keep, os.DirFS(trial.Dir)))
	}
}

func TestFiguresWithoutDataAreLeftOut(t *testing.T) {
	trial := load(t)
	trial.Logs = [results.SeriesCount][]results.Interval{}
	trial.Timeline.Rows = nil
	drawn, err := figures.Draw(trial)
	require.NoError(t, err)
	require.Empty(t, drawn)
}

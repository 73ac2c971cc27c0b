package report_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/cost"
	"github.com/tidelog/tide/results/report"
	"github.com/tidelog/tide/results/resultstest"
)

// holds is require.Contains without a page in the failure.
func holds(t *testing.T, html, want string) {
	t.Helper()
	require.True(t, strings.Contains(html, want), "the page does not have %q", want)
}

// matrixPage makes the page and reads its data back.
func matrixPage(t *testing.T, run *results.MatrixRun) (html string, data map[string]any) {
	t.Helper()
	path, err := report.Matrix{Run: run}.Write()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(run.Dir, "report.html"), path)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(b), `id="data">`)
	require.True(t, ok)
	text, _, _ := strings.Cut(rest, "</script>")
	require.NoError(t, json.Unmarshal([]byte(text), &data))
	return string(b), data
}

func TestMatrixPage(t *testing.T) {
	run := resultstest.WriteMatrix(t, t.TempDir())
	html, data := matrixPage(t, run)
	m := data["matrix"].(map[string]any)
	require.Equal(t, []any{"p99_us", "mib_per_s", "usd_per_gib"}, m["metrics"], "what never changes is none")
	require.Equal(t, []any{
		map[string]any{"name": "wal.block", "values": []any{"16KiB", "64KiB"}},
		map[string]any{"name": "wal.path", "values": []any{"mem", "pwrite", "uring"}},
		map[string]any{"name": "wal.window", "values": []any{"256KiB", "4MiB", "64MiB"}},
	}, m["axes"], "by size, where they have one")
	kinds := m["kinds"].([]any)
	require.Len(t, kinds, 2)
	require.Equal(t, "durable", kinds[0].(map[string]any)["class"])
	require.Equal(t, "volatile", kinds[1].(map[string]any)["class"])
	require.Len(t, m["cells"], 18)
	require.Len(t, data["trials"], resultstest.MatrixRepeats, "the directories that are there")
	for _, want := range []string{"it broke", "4.9 % apart", "<td>quick</td><td>false</td>", "54 of 55 trials"} {
		holds(t, html, want)
	}
}

// What a GiB costs is a metric of trials that measured it, whose own record has
// no price: here of one whose uploads were counted and of a Kafka.
func TestMatrixIsPriced(t *testing.T) {
	run := resultstest.WriteMatrix(t, t.TempDir())
	run.Trials = run.Trials[:3]
	for i, on := range []string{"tide", "kafka?flush=1", "tide"} {
		run.Trials[i].Cell, run.Trials[i].Error = on+"-"+strconv.Itoa(i), ""
		run.Trials[i].Settings = map[string]string{"target": on, "at": strconv.Itoa(i)}
		run.Trials[i].Result = map[string]any{"durability": "dsync", "p99_us": 1.0 + float64(i), "run target CPU per GiB": 40.0}
	}
	run.Trials[0].Result["run.puts_per_gib_put"] = 50.0
	html, data := matrixPage(t, run)
	m := data["matrix"].(map[string]any)
	at := slices.Index(m["metrics"].([]any), any("usd_per_gib"))
	require.GreaterOrEqual(t, at, 0)
	book, found := cost.Default(), []float64{}
	for _, c := range m["cells"].([]any) {
		if s, ok := c.(map[string]any)["stats"].([]any)[at].([]any); ok {
			found = append(found, s[0].(float64))
		}
	}
	slices.Sort(found)
	require.InDeltaSlice(t, []float64{
		book.PerGiB(cost.Tide, cost.Measured{CPUSeconds: 40, Requests: cost.Requests{Puts: 50, PutBytes: 1 << 30}, Stored: 1}).Sum(),
		book.PerGiB(cost.Kafka, cost.Measured{CPUSeconds: 40}).Sum(),
	}, found, 1e-6, "and none for tide without an upload")
	holds(t, html, "usd_per_gib: compute, storage, S3 requests and cross-AZ")
	require.NotContains(t, run.Trials[0].Result, "usd_per_gib")
}

// An INVALID trial is counted, and in no median.
func TestMatrixLeavesInvalidTrialsOut(t *testing.T) {
	run := resultstest.WriteMatrix(t, t.TempDir())
	_, data := matrixPage(t, run)
	invalid := 0
	for _, c := range data["matrix"].(map[string]any)["cells"].([]any) {
		c := c.(map[string]any)
		stat := c["stats"].([]any)[0].([]any)
		require.Less(t, stat[2].(float64), 1e4)
		if n, ok := c["invalid"].(float64); ok {
			invalid += int(n)
			require.Equal(t, 2.0, c["n"])
		}
	}
	require.Equal(t, 1, invalid)
}

func TestMatrixNamesWhatIsBroken(t *testing.T) {
	dir := t.TempDir()
	resultstest.WriteMatrix(t, dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "trials", "trial-1", "run.json"), []byte("{"), 0o644))
	lines, err := os.ReadFile(filepath.Join(dir, "trials.jsonl"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "trials.jsonl"), append(lines, "{broken\n"...), 0o644))
	run, err := results.LoadMatrix(dir)
	require.NoError(t, err)
	html, data := matrixPage(t, run)
	holds(t, html, "trial-1 is left out")
	holds(t, html, "line 56 is broken")
	require.Len(t, data["trials"], resultstest.MatrixRepeats-1)
}

func TestEmptyMatrixHasAPage(t *testing.T) {
	dir := t.TempDir()
	w, run, err := results.OpenMatrix(dir, results.MatrixHeader{Name: "none"}, results.Env{})
	require.NoError(t, err)
	require.NoError(t, w.Close())
	html, _ := matrixPage(t, run)
	holds(t, html, "0 of 0 cells")
}

// A matrix draws response times only: other logs may be missing, and nobody needs
// to know.
func TestMatrixNamesMissingLogs(t *testing.T) {
	dir := t.TempDir()
	run := resultstest.WriteMatrix(t, dir)
	for trial, file := range map[string]string{
		"trial-0": "produce.service.hlog", "trial-1": "e2e.response.hlog", "trial-2": "e2e.response.hlog",
	} {
		require.NoError(t, os.Remove(filepath.Join(dir, "trials", trial, file)))
	}
	html, data := matrixPage(t, run)
	holds(t, html, "2 trials: missing in the trial&#39;s folder: e2e.response.hlog:")
	require.NotContains(t, html, "produce.service.hlog")
	require.Len(t, data["trials"], resultstest.MatrixRepeats)
}

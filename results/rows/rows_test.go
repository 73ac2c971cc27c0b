package rows_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/resultstest"
	"github.com/tidelog/tide/results/rows"
)

func TestOfTrial(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "t-1")
	resultstest.Write(t, dir)
	table, err := rows.Read(dir)
	require.NoError(t, err)
	require.Len(t, table.Rows, 3)
	tail, catchUp := table.Rows[0], table.Rows[1]
	require.Equal(t, "tail", tail.Phase)
	require.True(t, tail.Usable())
	require.Equal(t, 1000.0, tail.Values["acked_per_s"])
	require.Equal(t, 100.0, tail.Values["reached_percent"])
	require.Equal(t, 8.0, catchUp.Values["caught_up_mib_per_s"])
	require.NotContains(t, tail.Values, "caught_up_mib_per_s", "what did not happen has no rate")
	require.NotContains(t, tail.Values, "target_cpu_s_per_gib", "not known")
	require.NotContains(t, tail.Values, "fetch_response_p99_us")
	require.Equal(t, 0.8, catchUp.Figures["recovery_s"])
	p50, p99 := tail.Values["produce_response_p50_us"], tail.Values["produce_response_p99_us"]
	require.InDelta(t, 2000, p50, 20)
	require.Greater(t, p99, 2*p50)
}

// Every value of a trial is a metric or has a name of its own: columns are
// ordered by Metrics.
func TestMetricsCoverValues(t *testing.T) {
	known := map[string]rows.Metric{}
	for _, m := range rows.Metrics() {
		require.NotContains(t, known, m.Name, "twice")
		known[m.Name] = m
	}
	dir := filepath.Join(t.TempDir(), "t-1")
	resultstest.Write(t, dir)
	table, err := rows.Read(dir)
	require.NoError(t, err)
	for _, r := range table.Rows {
		for name := range r.Values {
			require.Contains(t, known, name)
		}
	}
	for name, m := range known {
		if m.Main {
			require.NotZero(t, m.Better, name)
			require.NotEmpty(t, m.Bench, name)
		}
	}
}

func TestSplits(t *testing.T) {
	trial := &results.Trial{Run: results.Run{Phases: []results.Phase{{Name: "run", Splits: []results.Split{{
		Work: "upload", Complete: 3, Share: 0.25, During: results.Times{Count: 10, P99: 1500},
	}}}}}}
	got := rows.OfTrial(trial)[0].Values
	require.Equal(t, 1.5, got["upload_during_p99_us"])
	require.Equal(t, 25.0, got["upload_share_percent"])
	require.Equal(t, 0.0, got["upload_between_count"])
	require.NotContains(t, got, "upload_between_p99_us")
	known := map[string]bool{}
	for _, m := range rows.Metrics() {
		known[m.Name] = true
	}
	for name := range got {
		require.True(t, known[name], name)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	_, err := rows.Find(dir)
	require.ErrorContains(t, err, "holds no results: want run.json or matrix.json")

	resultstest.Write(t, filepath.Join(dir, "b"))
	resultstest.Write(t, filepath.Join(dir, "a"))
	resultstest.Write(t, filepath.Join(dir, "cut"))
	require.NoError(t, os.Remove(filepath.Join(dir, "cut", "run.json")))
	resultstest.Write(t, filepath.Join(dir, "mixed"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mixed", "matrix.json"), []byte("{}"), 0o644))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "figures"), 0o755))
	resultstest.Write(t, filepath.Join(dir, ".hidden"))

	places, err := rows.Find(dir)
	require.NoError(t, err)
	require.Len(t, places, 4)
	require.NoError(t, places[0].Err)
	require.Equal(t, "b", filepath.Base(places[1].Dir))
	require.ErrorContains(t, places[2].Err, "the trial was cut short")
	require.ErrorContains(t, places[3].Err, "both a trial and a matrix")

	table := rows.ReadPlaces(places)
	require.NoError(t, table.Check())
	require.Len(t, table.Rows, 2*3+2)
	require.Len(t, table.Warnings(), 2)
	_, err = rows.Read(filepath.Join(dir, "cut"))
	require.ErrorIs(t, err, rows.ErrNothing)
	require.ErrorContains(t, err, "cut short")
}

func TestOfMatrix(t *testing.T) {
	m := &results.MatrixRun{
		Dir: "d", Header: results.MatrixHeader{Name: "m", Metric: "produce.response.p99", Quick: true},
		Warnings: []string{"trials.jsonl line 7 is broken and left out: x"},
		Trials: []results.CellTrial{
			{Cell: "c", Repeat: 1, Result: map[string]any{"produce.response.p99": 12.5, "cold fetch rate": 3.0, "durability": "dsync"}},
			{Cell: "c", Repeat: 2, Error: "exit status 1"},
			{Cell: "c", Repeat: 3, Result: map[string]any{"verdict": "INVALID"}},
		},
	}
	got := rows.OfMatrix(m)
	require.Len(t, got, 4)
	require.Equal(t, rows.Broken, got[0].Verdict)
	require.Contains(t, got[0].Warnings[0], "line 7")
	require.Equal(t, results.Quick, got[1].Verdict)
	require.Equal(t, map[string]float64{"produce_response_p99_us": 12.5, "cold_fetch_rate": 3}, got[1].Values)
	require.Equal(t, "produce_response_p99_us", got[1].Metric)
	require.Equal(t, "dsync", got[1].Durability.Flush)
	require.Equal(t, results.Invalid, got[2].Verdict)
	require.Equal(t, results.Invalid, got[3].Verdict)
	require.Equal(t, []string{"left out: d: trials.jsonl line 7 is broken and left out: x", "c/2/false: exit status 1"}, rows.Table{Rows: got}.Warnings())
}

func TestNoise(t *testing.T) {
	row := func(cell string, aa bool, v float64) rows.Row {
		return rows.Row{Cell: cell, AA: aa, Verdict: results.Valid, Values: map[string]float64{"x": v}}
	}
	m := []rows.Row{row("other", false, 900), row("c", false, 100), row("c", false, 102), row("c", true, 110), row("c", true, 112)}
	aa, detectable, ok := rows.Noise(m, "x")
	require.True(t, ok)
	require.InDelta(t, 111.0/101-1, aa, 1e-9)
	require.GreaterOrEqual(t, detectable, aa)
	_, _, ok = rows.Noise(m, "y")
	require.False(t, ok)
	_, _, ok = rows.Noise(m[:3], "x")
	require.False(t, ok)
	_, detectable, ok = rows.Noise([]rows.Row{m[1], m[3]}, "x")
	require.True(t, ok)
	require.True(t, math.IsNaN(detectable))
}

func TestName(t *testing.T) {
	for text, want := range map[string]string{
		"target CPU per GiB":                     "target_cpu_per_gib",
		"s/GiB":                                  "s_per_gib",
		`tide_objstore_requests_total{op="get"}`: "tide_objstore_requests_total_op_get",
		"produce.response":                       "produce_response",
		"run generator error p99_µs":             "run_generator_error_p99_us",
		"— ":                                     "",
	} {
		require.Equal(t, want, rows.Name(text))
	}
}

func TestMeasure(t *testing.T) {
	for name, want := range map[string]string{
		"p99_us": "p99-ns", "fio_p50_us": "fio-p50-ns", "mib_per_s": "B/s", "run_rate_mib_per_s": "run-rate-B/s",
		"appends_per_s": "appends/s", "cpu_s_per_gib": "cpu-sec/GiB", "target_peak_rss_mib": "target-peak-rss-B",
		"header_writes": "", "bus": "", "per_s": "", "capacity_bytes": "",
	} {
		m, ok := rows.Measure(name)
		require.Equal(t, want != "", ok, name)
		if ok {
			require.Equal(t, want, m.Bench)
		}
	}
}

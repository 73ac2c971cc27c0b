package itest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// published are trials that were measured.
var published = filepath.Join("..", "results", "published", "second")

// TestReportIsReadByOthers exports recorded trials, one of them broken by us,
// and lets DuckDB, pandas and what OMB's charts are made with read them.
func TestReportIsReadByOthers(t *testing.T) {
	dir, runs := t.TempDir(), filepath.Join(t.TempDir(), "runs")
	for _, name := range []string{"tail-2k", "tail-20mib", "closed-4k"} {
		require.NoError(t, os.CopyFS(filepath.Join(runs, name), os.DirFS(filepath.Join(published, name))))
	}
	require.NoError(t, os.MkdirAll(filepath.Join(runs, "broken"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(runs, "broken", "run.json"), []byte("{"), 0o644))
	run(t, "", *tide, "report", runs, "--format", "csv", "--out", filepath.Join(dir, "rows.csv"))
	run(t, "", *tide, "report", runs, "--format", "parquet", "--out", filepath.Join(dir, "rows.parquet"))
	run(t, "", *tide, "report", filepath.Join(runs, "tail-20mib"))
	require.NoError(t, os.Rename(filepath.Join(runs, "tail-20mib", "omb.json"), filepath.Join(dir, "omb.json")))
	out := run(t, "", filepath.Join(deps, "analysis", "bin", "python"), filepath.Join("analysis", "read.py"), dir)
	require.Equal(t, 3, strings.Count("\n"+out, "\nok "), out)
}

// TestBenchstat compares two exports, as people compare two builds.
func TestBenchstat(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"first", "second"} {
		run(t, "", *tide, "report", filepath.Join("..", "results", "published", name, "tail-2k"), "--format", "benchfmt", "--out", filepath.Join(dir, name+".txt"))
	}
	stat := filepath.Join(deps, "go", "benchstat")
	out := run(t, "", stat, filepath.Join(dir, "first.txt"), filepath.Join(dir, "second.txt"))
	for _, want := range []string{"p99-sec", "acked-B/s", "cpu-sec/GiB", "target-peak-rss-B"} {
		require.Contains(t, out, want)
	}
	require.Contains(t, out, "phase=run")
	require.Contains(t, out, "10.256m", "p99 of the first")
	require.Contains(t, out, "1.341m", "and of the second")

	out = run(t, "", *tide, "report", filepath.Join("..", "results", "published", "F1L"), "--format", "benchfmt", "--out", filepath.Join(dir, "f1l.txt"))
	require.Empty(t, out)
	out = run(t, "", stat, "-col", "/wal.path", "-row", "/appenders", "-filter", ".unit:appends/s", filepath.Join(dir, "f1l.txt"))
	for _, want := range []string{"uring", "pwrite", "fsync", "vs base", "n=5"} {
		require.Contains(t, out, want)
	}
}

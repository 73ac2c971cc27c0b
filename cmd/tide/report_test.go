package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results/resultstest"
)

// folder of a good, an INVALID, and a broken trial.
func folder(t *testing.T) string {
	dir := t.TempDir()
	for _, name := range []string{"good", "invalid", "broken"} {
		resultstest.Write(t, filepath.Join(dir, name))
	}
	edit(t, filepath.Join(dir, "invalid", "run.json"), `"word": "VALID"`, `"word": "INVALID"`)
	edit(t, filepath.Join(dir, "broken", "run.json"), `"schema": 1`, `"schema": x`)
	return dir
}

func edit(t *testing.T, path, from, to string) {
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(b), from)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(b), from, to, 1)), 0o644))
}

// What is broken stays in the output, whatever its form.
func TestReportNamesWhatIsBroken(t *testing.T) {
	dir := folder(t)
	for _, format := range []string{"table", "csv", "parquet", "benchfmt"} {
		code, out, errs := invoke("report", dir, "--format", format)
		require.Equal(t, exitInvalid, code, format)
		require.Contains(t, out, "run.json line 2", format)
		require.Contains(t, errs, "run.json line 2", format)
		require.Contains(t, out, "restore the file from a copy", format)
	}
	code, out, errs := invoke("report", dir)
	require.Equal(t, exitInvalid, code)
	require.Equal(t, 3, strings.Count(out, "report.html\n"), "one each, and one over both")
	require.FileExists(t, filepath.Join(dir, "report.html"))
	over, err := os.ReadFile(filepath.Join(dir, "report.html"))
	require.NoError(t, err)
	require.Contains(t, string(over), "run.json line 2", "what is broken stays in the page")
	require.Contains(t, errs, "run.json line 2")
	require.FileExists(t, filepath.Join(dir, "good", "omb.json"))
	require.FileExists(t, filepath.Join(dir, "good", "report.html"))
}

// TestReportOfAnEmptyFolder: one of several without results is named, and stays in
// the output.
func TestReportOfAnEmptyFolder(t *testing.T) {
	empty := t.TempDir()
	code, out, errs := invoke("report", filepath.Join(folder(t), "good"), empty, "--format", "csv")
	require.Equal(t, exitDone, code, errs)
	require.Contains(t, errs, empty+" holds no results")
	require.Contains(t, out, "BROKEN")
	code, _, errs = invoke("report", empty, t.TempDir())
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "nothing could be read")
}

func TestReportRefuses(t *testing.T) {
	dir := folder(t)
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "no such file", []string{"no-such"}},
		{exitUsage, "is no directory", []string{filepath.Join(dir, "good", "run.json")}},
		{exitUsage, "must be one of", []string{dir, "--format", "pdf"}},
		{exitFailed, "holds no results", []string{t.TempDir()}},
		{exitFailed, "nothing could be read", []string{filepath.Join(dir, "broken"), "--format", "csv"}},
		{exitFailed, "nothing could be read", []string{filepath.Join(dir, "broken")}},
	} {
		code, out, errs := invoke(append([]string{"report"}, c.args...)...)
		require.Equal(t, c.code, code, "%v", c.args)
		require.Empty(t, out)
		require.Contains(t, errs, c.want)
	}
}

func TestReportToFile(t *testing.T) {
	dir := folder(t)
	file := filepath.Join(t.TempDir(), "x.csv")
	code, out, _ := invoke("report", filepath.Join(dir, "good"), "--format", "csv", "--out", file)
	require.Equal(t, exitDone, code)
	require.Empty(t, out)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 4, strings.Count(string(b), "\n"))
}

func TestReportOfAMatrix(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "results", "published", "F1L"))))
	code, out, _ := invoke("report", dir, "--format", "table")
	require.Equal(t, exitDone, code)
	require.Contains(t, out, "matrix f1l")
	require.Equal(t, 15, strings.Count(out, "│ wal-bench │"))
	require.Contains(t, out, "noise    A/A difference of appends_per_s ")
	require.Less(t, strings.Index(out, "│ 4         │"), strings.Index(out, "│ 16        │"), "by number")
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "figures")))
	code, out, _ = invoke("report", dir)
	require.Equal(t, exitDone, code)
	require.FileExists(t, strings.Fields(out)[0])
}

// TestNoiseIsTheSameEverywhere: with a pair for each cell the arms of one are not
// held against those of another, and the table says what the page does.
func TestNoiseIsTheSameEverywhere(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "results", "published", "F10"))))
	_, table, _ := invoke("report", dir, "--format", "table")
	require.Contains(t, table, "A/A difference of p50_us 1.9 %; smallest that can be told apart 9.4 %")
	invoke("report", dir)
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	require.NoError(t, err)
	require.Contains(t, string(page), "came out 1.9 % apart in p50_us; with the noise of its repeats, differences below 9.4 %")
}

// TestReportTakesPrices: what a GiB costs is on the page of any matrix that
// measured it, by the book that was asked for.
func TestReportTakesPrices(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "results", "published", "F8"))))
	page := func(args ...string) string {
		code, _, errs := invoke(append([]string{"report", dir}, args...)...)
		require.Equal(t, exitDone, code, errs)
		b, err := os.ReadFile(filepath.Join(dir, "report.html"))
		require.NoError(t, err)
		return string(b)
	}
	require.Contains(t, page(), "usd_per_gib: compute, storage, S3 requests and cross-AZ of a cluster with 100 MiB/s written")
	book, err := os.ReadFile(filepath.Join("..", "..", "results", "cost", "prices-2026-11.yaml"))
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(file, bytes.ReplaceAll(book, []byte("rate_mib_per_s: 100"), []byte("rate_mib_per_s: 50")), 0o644))
	require.Contains(t, page("--prices", file), "of a cluster with 50 MiB/s written")
	code, _, errs := invoke("report", dir, "--prices", filepath.Join(dir, "env.json"))
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "price book")
}

func TestCompareVerb(t *testing.T) {
	dir := folder(t)
	good := filepath.Join(dir, "good")
	code, out, _ := invoke("compare", good, good, "--json")
	require.Equal(t, exitDone, code)
	var r struct {
		Verdict  string
		Quotable bool
		Pairs    []struct{ Metrics []map[string]any }
	}
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.Equal(t, "VALID", r.Verdict)
	require.False(t, r.Quotable, "one repeat")
	require.NotEmpty(t, r.Pairs[0].Metrics)

	code, out, _ = invoke("compare", dir, good)
	require.Equal(t, exitInvalid, code)
	require.Contains(t, out, "INVALID trials of demo on tide are left out")
	require.Contains(t, out, "run.json line 2")

	other := filepath.Join(dir, "other")
	resultstest.Write(t, other)
	edit(t, filepath.Join(other, "env.json"), `"release": "6.0"`, `"release": "7.0"`)
	code, out, errs := invoke("compare", good, other)
	require.Equal(t, exitFailed, code)
	require.Empty(t, out)
	require.Contains(t, errs, "kernel: 6.0 against 7.0")
	code, out, _ = invoke("compare", good, other, "--allow-env-diff")
	require.Equal(t, exitDone, code)
	require.Contains(t, out, "environment differs: kernel: 6.0 against 7.0")

	code, _, errs = invoke("compare", good, filepath.Join("..", "..", "results", "published", "F1L"))
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "one side is a matrix")
	code, _, _ = invoke("compare", good, "no-such")
	require.Equal(t, exitUsage, code)
}

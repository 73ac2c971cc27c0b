package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results/resultstest"
)

// What is missing stays in the output, whatever its form, and what is there is
// shown.
func TestReportOfATrialThatLacksLogs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "t-1")
	resultstest.Write(t, dir)
	const missing = "produce.service.hlog, produce.delay.hlog"
	for name := range strings.SplitSeq(missing, ", ") {
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
	}
	for _, format := range []string{"table", "csv", "parquet", "benchfmt"} {
		code, out, errs := invoke("report", dir, "--format", format)
		require.Equal(t, exitDone, code, errs)
		require.Contains(t, out, missing, format)
	}
	code, out, errs := invoke("report", dir)
	require.Equal(t, exitDone, code, errs)
	page, err := os.ReadFile(strings.TrimSpace(out))
	require.NoError(t, err)
	require.Contains(t, string(page), missing)
	require.Contains(t, string(page), "produce p99")
	require.NoFileExists(t, filepath.Join(dir, "omb.json"), "it would hold zeros")

	whole := filepath.Join(t.TempDir(), "t-2")
	resultstest.Write(t, whole)
	code, out, errs = invoke("compare", dir, whole)
	require.Equal(t, exitDone, code, errs)
	require.Contains(t, out, "A: t-1: missing in the trial's folder: "+missing)
	require.NotContains(t, out, "B: t-2: missing")
	require.Contains(t, out, "produce_response_p99_us")
	require.NotContains(t, out, "produce_service_p99_us")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "produce.service.hlog"), []byte("# cut\n1.0,1."), 0o644))
	for _, args := range [][]string{{"report", dir}, {"report", dir, "--format", "table"}, {"compare", dir, whole}} {
		code, _, errs = invoke(args...)
		require.Equal(t, exitFailed, code, "%v", args)
		require.Contains(t, errs, filepath.Join(dir, "produce.service.hlog")+" line 2", "%v", args)
	}
}

package results_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/resultstest"
)

// without leaves a trial that lacks some files.
func without(t *testing.T, files ...string) string {
	dir := t.TempDir()
	resultstest.Write(t, dir)
	for _, name := range files {
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
	}
	return dir
}

func TestLoadWithoutSomeLogs(t *testing.T) {
	trial, err := results.Load(without(t, "produce.service.hlog", "produce.delay.hlog"))
	require.NoError(t, err)
	require.Equal(t, []results.Series{results.ProduceService, results.ProduceDelay}, trial.Missing)
	require.Equal(t, []results.Finding{{
		What: "missing in the trial's folder: produce.service.hlog, produce.delay.hlog",
		Hint: "what is made of them is left out; restore them from a copy, or run the trial again",
	}}, trial.Warnings())
	require.Empty(t, trial.Run.Warnings, "run.json stays as it was written")
	require.Zero(t, trial.Merged(results.ProduceDelay, "").TotalCount())
	require.Equal(t, int64(12_000), trial.Merged(results.ProduceResponse, "").TotalCount())

	whole, err := results.Load(without(t))
	require.NoError(t, err)
	require.Empty(t, whole.Warnings(), "no file of a series that few workloads have is no fault")
}

// TestLoadWhatIsWanted: a log that nobody asked for may be missing, or broken.
func TestLoadWhatIsWanted(t *testing.T) {
	dir := without(t, "produce.delay.hlog", "e2e.response.hlog")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "produce.client.hlog"), []byte("broken"), 0o644))
	trial, err := results.Load(dir, results.E2EService, results.E2EResponse)
	require.NoError(t, err)
	require.Equal(t, []results.Series{results.E2EResponse}, trial.Missing)
	require.Equal(t, int64(12_000), trial.Merged(results.E2EService, "").TotalCount())
	require.Equal(t, int64(12_000), trial.Merged(results.ProduceResponse, "").TotalCount(), "always read")
	_, err = results.Load(dir)
	require.ErrorContains(t, err, filepath.Join(dir, "produce.client.hlog")+" line 1: neither a comment")
}

// TestBrokenLogIsAnError: of every series that is there, whatever else is missing.
func TestBrokenLogIsAnError(t *testing.T) {
	dir := without(t)
	for s := range results.FetchService {
		path := filepath.Join(dir, s.String()+".hlog")
		whole, err := os.ReadFile(path)
		require.NoError(t, err)
		for name, bend := range map[string]func([]byte) []byte{
			"cut":          func(b []byte) []byte { return b[:len(b)-20] },
			"empty":        func([]byte) []byte { return nil },
			"wrong header": func(b []byte) []byte { return append([]byte("HDR log 9"), b...) },
		} {
			require.NoError(t, os.WriteFile(path, bend(bytes.Clone(whole)), 0o644))
			_, err = results.Load(dir)
			require.ErrorContains(t, err, path, "%s: %s", s, name)
			require.ErrorContains(t, err, "restore the file from a copy")
		}
		require.NoError(t, os.WriteFile(path, whole, 0o644))
	}
}

func TestLoadIsBounded(t *testing.T) {
	dir := without(t)
	path := filepath.Join(dir, "run.json")
	require.NoError(t, os.Truncate(path, 16<<20+1))
	_, err := results.Load(dir)
	require.ErrorContains(t, err, path+": too large: want at most 16 MiB; restore the file from a copy")
}

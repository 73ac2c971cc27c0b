package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results/report"
	"github.com/tidelog/tide/results/resultstest"
	"github.com/tidelog/tide/workloads/target"
)

// Several trials end in one page, whose path is the last line; one does not,
// and with --json nothing but objects is printed.
func TestSeveralTrialsEndInOnePage(t *testing.T) {
	dir := t.TempDir()
	pages := func() []string {
		found, err := filepath.Glob(filepath.Join(dir, "report-*.html"))
		require.NoError(t, err)
		return found
	}
	var out bytes.Buffer
	together := report.NewOverlay()
	together.Add(resultstest.Synthetic(0))
	require.NoError(t, printTogether(&stdio{out: &out}, together, dir, false))
	require.Empty(t, out.String())
	require.Empty(t, pages())

	together.Add(resultstest.Synthetic(1))
	require.NoError(t, printTogether(&stdio{out: &out}, together, dir, false))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, pages(), 1)
	require.True(t, strings.HasSuffix(lines[len(lines)-1], pages()[0]), lines[len(lines)-1])
	require.Equal(t, 2, strings.Count(out.String(), "tail-2k"))

	out.Reset()
	require.NoError(t, printTogether(&stdio{out: &out}, together, dir, true))
	require.Empty(t, out.String())
}

// TestFlagsOfTargetsAreCheckedFirst: the last of several targets is looked at
// before the first one is started.
func TestFlagsOfTargetsAreCheckedFirst(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	for text, want := range map[string]string{
		"tide?nosuch=1":         "target tide?nosuch=1: unknown flag --nosuch",
		"tide?log-cache=plenty": "log-cache",
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"bench", "quick-tail", "--target", "null," + text, "--out", dir}, &stdio{out: &out, err: &errs})
		require.Equal(t, exitUsage, code, errs.String())
		require.Contains(t, errs.String(), want)
		require.NoDirExists(t, dir)
	}
	spec, err := target.ParseSpec("tide?log-cache=256MiB&wal=pwrite:?window=1MiB&auto-create-topics=false")
	require.NoError(t, err)
	require.NoError(t, checkFlags(spec))
}

// TestCheckFlagsLeavesVerbsAlone: the flags of the verb that asks stay as they
// were given.
func TestCheckFlagsLeavesVerbsAlone(t *testing.T) {
	at := slices.IndexFunc(verbs, func(v verb) bool { return v.name == "bench" })
	cmd := verbs[at].cmd.(*benchCmd)
	before := *cmd
	defer func() { *cmd = before }()
	cmd.JSON, cmd.Quick, cmd.Out = true, true, "elsewhere"
	spec, err := target.ParseSpec("tide?log-cache=64MiB")
	require.NoError(t, err)
	require.NoError(t, checkFlags(spec))
	require.True(t, cmd.JSON && cmd.Quick)
	require.Equal(t, "elsewhere", cmd.Out)
}

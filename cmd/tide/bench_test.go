package main

import (
	"bytes"
	"context"
	"os"
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
		"tide?policy=nosuch":    "--policy",
		"tide?upload-part=1KiB": "upload part 1KiB: from 5 MiB to 1 GiB",
		"tide?wal=pwrite:?capacity=16MiB&upload-threshold=64MiB": "at most half of the WAL's capacity",
		"null?prefetch=nosuch": "--prefetch",
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

// TestTargetConfigIsCheckedFirst: every kind of the file, whether a row names it
// or not, before anything is started.
func TestTargetConfigIsCheckedFirst(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nothing is to be started, and nothing could be
	file, out := filepath.Join(dir, "targets.yaml"), filepath.Join(dir, "out")
	for text, want := range map[string]string{
		"tide: {polcy: lru}":                 "unknown flag --polcy",
		"kafka: {num.io.thread: 4}":          "num.io.thread is no setting of Apache Kafka's; by name the nearest is num.io.threads",
		"kafka: {wal: 'mem:'}":               "wal is no key of kafka",
		"kafak: {heap: 1GiB}":                "kafak: want kafka, kafka-tiered, null, tide",
		"kafka: {heap: 1GiB, heap: 2GiB}":    "heap is given twice",
		"null: {log-cache: 64MiB, wal: mem}": "null has none",
		"tide: {data: /x}":                   "flag data is set by the benchmark itself",
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		var said, errs bytes.Buffer
		code := run(ctx, []string{"bench", "quick-tail", "--target", "null", "--target-config", file, "--out", out}, &stdio{out: &said, err: &errs})
		require.Equal(t, exitUsage, code, errs.String())
		require.Contains(t, errs.String(), want)
		require.Len(t, strings.Split(strings.TrimSpace(errs.String()), "\n"), 2, "one line, and where help is: %s", errs.String())
		require.NoDirExists(t, out)
	}
}

// TestCheckFlagsLeavesVerbsAlone: the flags of the verb that asks stay as they
// were given.
func TestCheckFlagsLeavesVerbsAlone(t *testing.T) {
	at := slices.IndexFunc(verbs, func(v verb) bool { return v.name == "bench" })
	cmd := verbs[at].cmd.(*benchCmd)
	before := *cmd
	defer func() { *cmd = before }()
	cmd.JSON, cmd.Quick, cmd.Out = true, true, "elsewhere"
	spec, err := target.ParseSpec("tide?log-cache=256MiB")
	require.NoError(t, err)
	require.NoError(t, checkFlags(spec))
	require.True(t, cmd.JSON && cmd.Quick)
	require.Equal(t, "elsewhere", cmd.Out)
}

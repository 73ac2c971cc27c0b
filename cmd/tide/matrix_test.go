package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/matrix"
)

const tinyMatrix = `
name: tiny
workloads: [iopath-bench]
axes: {depth: [1, 8], block: [4KiB, 64KiB], duration: [1s]}
constraints: ["block <= 4KiB"]
repeats: 3
metric: iops
`

func write(t *testing.T, content string) string {
	file := filepath.Join(t.TempDir(), "m.yaml")
	require.NoError(t, os.WriteFile(file, []byte(content), 0o644))
	return file
}

func TestMatrixPlan(t *testing.T) {
	file := write(t, tinyMatrix)
	code, out, errs := invoke("matrix", "plan", file, "--out", t.TempDir(), "--shard", "1/2")
	require.Equal(t, exitDone, code, errs)
	for _, want := range []string{
		"2 cells, 3 trials, 0 of them done; about 4s to go", "│ depth │", "shard 1/2", "seed 1",
		"price: $0.00: targets, logs and stores are local, and cost nothing",
	} {
		require.Contains(t, out, want)
	}
	require.NotContains(t, out, "duration", "what does not vary tells nothing apart")

	code, out, errs = invoke("matrix", "plan", file, "--json", "--instance", "m6i.large")
	require.Equal(t, exitDone, code, errs)
	var got planned
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Len(t, got.Cells, 2)
	require.Equal(t, 6, got.Trials)
	require.Equal(t, int64(1<<30), got.Disk)
	require.InDelta(t, got.Seconds/3600*0.096, got.USD, 1e-9)
	require.Equal(t, filepath.Join("tide-runs", "tiny"), got.Dir)
}

func TestMatrixPlanRefuses(t *testing.T) {
	code, out, errs := invoke("matrix", "plan", write(t, `
name: bad
workloads: [tail-2k]
targets: ["127.0.0.1:1"]
axes: {colour: [red], load.messageSize: [10]}
repeats: 0
`))
	require.Equal(t, exitUsage, code)
	require.Empty(t, out)
	for _, want := range []string{"axis colour", "target 127.0.0.1:1: nothing answers there", "repeats is 0"} {
		require.Contains(t, errs, want)
	}
	code, out, errs = invoke("matrix", "plan", write(t, `
name: bad
workloads: [tail-2k]
axes: {policy: [lru, luck], compact-rate: [5/s, 1MiB/s], wal.capacity: [16MiB], log-cache: [heap, 64KiB], store.model: [s3-fast]}
`))
	require.Equal(t, exitUsage, code)
	require.Empty(t, out)
	for _, want := range []string{"luck", "--compact-rate 5/s", "half of the WAL's capacity (16MiB)", `"heap"`, "log cache 64KiB", "s3-fast"} {
		require.Contains(t, errs, want)
	}
	for want, args := range map[string][]string{
		"built-in ones are closed,": {"no-such.yaml"},
		`shard "3"`:                 {"f1", "--shard", "3"},
		"not in the price book":     {"f1", "--instance", "abacus"},
		"no such file or directo":   {"f1", "--prices", "no-such.yaml"},
	} {
		code, _, errs := invoke(append([]string{"matrix", "plan"}, args...)...)
		require.Equal(t, exitUsage, code, args)
		require.Contains(t, errs, want)
	}
}

// TestMatrixShardsAreMerged: two of three shards are there, one is broken.
func TestMatrixShardsAreMerged(t *testing.T) {
	file, out := write(t, tinyMatrix), t.TempDir()
	m, err := matrix.Parse([]byte(tinyMatrix), false)
	require.NoError(t, err)
	plan, err := m.Plan()
	require.NoError(t, err)
	for i := range 2 {
		shard := matrix.Shard{Index: i, Of: 3}
		w, _, err := results.OpenMatrix(filepath.Join(out, shard.Dir()), plan.Header(), results.Env{})
		require.NoError(t, err)
		for _, tr := range plan.Only(shard).Trials {
			line := results.CellTrial{Cell: tr.Cell.ID, Repeat: tr.Repeat, Workload: tr.Cell.Workload, Result: map[string]any{"iops": 5.0}}
			if i == 1 && tr.Repeat == 1 {
				line.Verdict, line.Error = results.Invalid, "INVALID: too slow"
			}
			require.NoError(t, w.Append(line))
		}
		require.NoError(t, w.Close())
	}
	other, _, err := results.OpenMatrix(filepath.Join(out, "mixed"), results.MatrixHeader{Name: "other", Trials: 7}, results.Env{})
	require.NoError(t, err)
	require.NoError(t, other.Close())
	broken := filepath.Join(out, "shard-00002-of-00003")
	require.NoError(t, os.MkdirAll(broken, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(broken, "trials.jsonl"), nil, 0o644))

	code, text, errs := invoke("matrix", "status", file, "--out", out)
	require.Equal(t, exitDone, code, errs)
	require.Contains(t, text, "4 of 6 trials done, 1 of them INVALID; 0 failed")
	require.Contains(t, text, "shard-00002-of-00003 is no directory of a matrix")
	require.Contains(t, text, "mixed is of another matrix (other, 7 trials")

	code, text, errs = invoke("matrix", "merge", file, "--out", out)
	require.Equal(t, exitInvalid, code, errs)
	require.Contains(t, text, "shard-00002-of-00003 is broken and left out")
	run, err := results.LoadMatrix(out)
	require.NoError(t, err)
	require.Len(t, run.Trials, 4)
	require.Len(t, run.Sources, 2)

	elsewhere := filepath.Join(t.TempDir(), "merged")
	code, text, errs = invoke("matrix", "merge", file, filepath.Join(out, "shard-00000-of-00003"), "no-such", "--out", elsewhere, "--json")
	require.Equal(t, exitDone, code, errs)
	var status matrix.Progress
	require.NoError(t, json.Unmarshal([]byte(text), &status))
	require.Equal(t, []int{2, 4}, []int{status.Done, status.Left})
	run, err = results.LoadMatrix(elsewhere)
	require.NoError(t, err)
	require.Contains(t, run.Warnings[0], "no-such is broken and left out")

	code, _, errs = invoke("matrix", "merge", file, "no-such", "--out", filepath.Join(t.TempDir(), "x"))
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "nothing to merge")
}

// TestPrintNoise: the A/A difference stands beside the smallest that repeats can
// tell apart, and a pair that has no such number is no silence.
func TestPrintNoise(t *testing.T) {
	run := &results.MatrixRun{Header: results.MatrixHeader{Metric: "iops", Seed: 1}}
	said := func() string {
		var out strings.Builder
		printNoise(&out, run)
		return out.String()
	}
	require.Empty(t, said())
	for i, v := range []float64{100, 104, 90, 110} {
		run.Trials = append(run.Trials, results.CellTrial{Cell: "c", Repeat: 1 + i/2, AA: i%2 == 1, Result: map[string]any{"iops": v}})
	}
	require.Regexp(t, `A/A difference of iops: 12\.\d %, smallest detectable: \d+\.\d %`, said())
	run.Trials = run.Trials[:2]
	require.Contains(t, said(), "A/A difference of iops: 4.0 %, of one repeat;")
	run.Header.Metric = "p99_us"
	require.Contains(t, said(), "warning: no A/A difference: not both arms of a pair have p99_us")
}

// TestOnlyTrialsAreEmptied: the verb that deletes takes nothing else, and asks no
// store about it.
func TestOnlyTrialsAreEmptied(t *testing.T) {
	for _, url := range []string{"s3://b", "s3://b/", "s3://b/results", "s3://b/trial-1-2-3/results", "dir:trial-1-2-3/x", "mem:"} {
		code, out, errs := invoke("s3-empty", url)
		require.Equal(t, exitUsage, code, url)
		require.Empty(t, out)
		require.Contains(t, errs, "nothing else is emptied")
	}
}

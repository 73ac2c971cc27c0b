package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/doctor"
	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/matrix"
)

// complete fills a directory as `reproduce F1 --quick` would, with a device of
// 100 µs a write and 1 GiB/s, on which uring does the given share of fio.
func complete(t *testing.T, share float64) string {
	content, err := workloads.Matrix("f1")
	require.NoError(t, err)
	m, err := matrix.Parse(content, true)
	require.NoError(t, err)
	plan, err := m.Plan()
	require.NoError(t, err)
	dir := t.TempDir()
	w, _, err := results.OpenMatrix(dir, plan.Header(), results.ReadEnv(dir))
	require.NoError(t, err)
	for _, tr := range plan.Trials {
		s := tr.Cell.Settings
		block, err := units.ParseSize(s["block"])
		require.NoError(t, err)
		depth, err := strconv.ParseFloat(s["depth"], 64)
		require.NoError(t, err)
		fio := min(depth*10_000, float64(1<<30)/float64(block))
		iops := fio
		if s["wal.path"] == "uring" {
			iops *= share
		}
		require.NoError(t, w.Append(results.CellTrial{
			Cell: tr.Cell.ID, Repeat: tr.Repeat, AA: tr.AA, Workload: tr.Cell.Workload, Settings: s,
			Result: map[string]any{
				"iops": iops, "fio_iops": fio, "fio_psync_iops": fio, "p50_us": depth / iops * 1e6, "p99_us": 3 * depth / iops * 1e6,
				"p999_us": 5 * depth / iops * 1e6, "cpu_us_per_io": 20, "durability": "dsync",
			},
		}))
	}
	require.NoError(t, w.Close())
	return dir
}

// TestReproduce draws and judges what is there; nothing has to run.
func TestReproduce(t *testing.T) {
	dir := complete(t, 0.97)
	code, out, errs := invoke("reproduce", "F1", "--quick", "--out", dir)
	require.Equal(t, exitDone, code, out+errs)
	require.Contains(t, out, "38 of them done; about 0s to go")
	require.Contains(t, out, "pass  uring ÷ fio batched io_uring, median over cells: 0.97 (expected 0.7 to 1.5)")
	require.Contains(t, out, "QUICK: not quotable")
	for _, name := range []string{"f01-throughput", "f01-latency", "f01-cpu"} {
		require.FileExists(t, filepath.Join(dir, "figures", name+".svg"))
		require.FileExists(t, filepath.Join(dir, "figures", name+".png"))
	}
	require.FileExists(t, filepath.Join(dir, "report.html"))
}

func TestReproduceFailsOutsideOfTheRange(t *testing.T) {
	code, out, errs := invoke("reproduce", "f1", "--quick", "--out", complete(t, 0.3))
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, "FAIL  uring ÷ fio batched io_uring, median over cells: 0.3 (expected 0.7 to 1.5)")
	require.Contains(t, errs, "not as expected: F1")
}

func TestReproduceRefuses(t *testing.T) {
	code, out, errs := invoke("reproduce", "F99")
	require.Equal(t, exitUsage, code)
	require.Empty(t, out)
	require.Contains(t, errs, "want F1, F1L, F2, F3")

	code, _, errs = invoke("reproduce", "F3", "--quick", "--out", complete(t, 1))
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "holds another matrix (f1")
}

// TestReproduceGoesOn: a figure whose directory holds something else fails, and
// the next one is made; one that is asked for twice is made once.
func TestReproduceGoesOn(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Rename(complete(t, 0.97), filepath.Join(root, "F1-quick")))
	require.NoError(t, os.Rename(complete(t, 0.97), filepath.Join(root, "F10-quick")))
	code, out, errs := invoke("reproduce", "F10", "F1", "f1", "--quick", "--out", root)
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, "FAIL  it could not be made: "+filepath.Join(root, "F10-quick")+": holds another matrix")
	require.Equal(t, 1, strings.Count(out, "pass  uring ÷ fio batched io_uring, median over cells"))
	at := strings.LastIndex(out, "│ figure │")
	require.Positive(t, at, "it ends with a table")
	require.Regexp(t, `│ F10 +│ +0s │ +\S+ │ +0 │ +5 │ .*holds another`, out[at:])
	require.Regexp(t, `│ F1 +│ +\S+ │ +0s │ +8 │ +0 │ +│`, out[at:])
	require.NotContains(t, errs, "F1,")
	require.Contains(t, errs, "not as expected: F10")
}

// TestReproduceDevice: what runs a broker has no use for a device, and says so
// before anything starts.
func TestReproduceDevice(t *testing.T) {
	code, out, errs := invoke("reproduce", "F9", "--quick", "--device", filepath.Join(t.TempDir(), "d"), "--out", t.TempDir())
	require.Equal(t, exitUsage, code, out)
	require.Contains(t, errs, "F9 writes to no device")
}

// TestReproduceAllPassesOver: what nothing can make yet is named, with the
// reason, and so is what this machine cannot make.
func TestReproduceAllPassesOver(t *testing.T) {
	c := &reproduceCmd{Figure: []string{"all"}, Quick: true, Out: t.TempDir()}
	chosen, err := c.figures()
	require.NoError(t, err)
	var out strings.Builder
	t.Setenv("PATH", "") // no Java, no fio, nothing
	t.Chdir(t.TempDir())
	able, passedOver, err := c.plans(t.Context(), &stdio{out: &out, err: &out}, chosen)
	require.NoError(t, err)
	require.Contains(t, out.String(), "F7: passed over: ")
	require.Contains(t, out.String(), "F2: passed over, for it cannot be made here: matrix f2 cannot run:\ntarget kafka")
	require.Contains(t, out.String(), "together about")
	var ids []string
	total := 0.0
	for _, a := range able {
		ids = append(ids, a.figure.ID)
		total += a.plan.Estimate(nil).Minutes()
	}
	require.Contains(t, ids, "F9")
	require.NotContains(t, ids, "F2")
	var table strings.Builder
	printMade(&table, nil, passedOver)
	require.Regexp(t, `│ F7 +│.*passed over: acknowledgements`, table.String())
	require.Regexp(t, `│ F2 +│.*passed over: matrix f2 cannot run`, table.String())
	require.Less(t, total, 15.0, "minutes; and those with Kafka take six")

	code, _, errs := invoke("reproduce", "F7")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "wait for failover")
	code, _, errs = invoke("reproduce", "F8", "--prices", "no-such.yaml")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "no-such.yaml")
}

func TestDoctor(t *testing.T) {
	code, out, _ := invoke("doctor", t.TempDir(), "--json")
	require.Contains(t, []int{exitDone, exitFailed}, code)
	var report doctor.Report
	require.NoError(t, json.Unmarshal([]byte(out), &report), "one object and nothing else")
	require.Len(t, report.Checks, 13)
	var keys struct{ Checks []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(out), &keys))
	for _, c := range keys.Checks {
		require.Len(t, c, 5)
	}

	code, out, _ = invoke("doctor", t.TempDir())
	require.Contains(t, []int{exitDone, exitFailed}, code)
	require.Contains(t, out, "write_cache")

	code, _, errs := invoke("doctor", filepath.Join(os.TempDir(), "no", "such", "place"))
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "that exists")
}

// TestMatrixAxesAreFlags: an axis that is no flag of the broker would fail every
// trial of its matrix.
func TestMatrixAxesAreFlags(t *testing.T) {
	_, help, _ := invoke("broker", "--help")
	for _, f := range matrix.BrokerFlags() {
		require.True(t, strings.Contains(help, "--"+f+"=") || strings.Contains(help, "--[no-]"+f), f)
	}
}

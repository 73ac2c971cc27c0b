package main

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
)

// TestDemo is the main job from end to end, as short as it gets, with a real
// broker process that is killed under load. A machine that is too busy for the
// rate makes the trial INVALID, which is right and no fault of the code: what
// must hold on any machine is that every record is there.
func TestDemo(t *testing.T) {
	out := t.TempDir()
	code, stdout, errs := invoke("demo", "--duration", "10s", "--out", out, "--json")
	require.Contains(t, []int{exitDone, exitInvalid}, code, errs)

	var run results.Run
	require.NoError(t, json.Unmarshal([]byte(stdout), &run), "--json leaves standard output to one object")
	v := run.Verification
	require.True(t, v.Done && v.OK(), "%+v, %v", v, run.Faults)
	require.Equal(t, int64(20_000), v.Expected+v.Unknown, "the schedule is sent in full")
	require.Empty(t, run.Faults)
	require.Contains(t, run.Figures, "outage seen by producers")
	require.GreaterOrEqual(t, run.Figures["catch-up from objects"].Value, 95.0)

	require.FileExists(t, filepath.Join(out, run.ID, "report.html"))
	countsAgree(t, filepath.Join(out, run.ID))
	left, err := filepath.Glob(filepath.Join(out, ".demo-data-*"))
	require.NoError(t, err)
	require.Empty(t, left, "the broker's data is gone")
}

func TestDemoSaysWhyTheBrokerDidNotStart(t *testing.T) {
	code, stdout, errs := invoke("demo", "--out", t.TempDir(), "--wal", "pwrite:/proc/version")
	require.Equal(t, exitFailed, code)
	require.Empty(t, stdout)
	require.Contains(t, errs, "O_DIRECT")
}

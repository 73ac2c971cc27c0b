package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/demo"
)

// TestDemo is the main job from end to end, as short as it gets, with a real
// broker process that is killed under load. A machine that is too busy for the
// rate makes the trial INVALID, which is right and no fault of the code: what
// must hold on any machine is that every record is there, and that the kill
// came while there was load.
func TestDemo(t *testing.T) {
	out := t.TempDir()
	code, stdout, errs := invoke("demo", "--duration", "10s", "--out", out, "--json")
	require.Contains(t, []int{exitDone, exitInvalid}, code, errs)

	var run results.Run
	require.NoError(t, json.Unmarshal([]byte(stdout), &run), "--json leaves standard output to one object")
	v := run.Verification
	require.True(t, v.Done && v.OK(), "%+v, %v", v, run.Faults)
	due := int64(0)
	for _, p := range run.Phases {
		due += p.Scheduled
	}
	require.GreaterOrEqual(t, v.Expected+v.Unknown, max(due, 20_000), "the schedule is sent in full, and no phase is shorter than its share")
	require.Empty(t, run.Faults)
	require.Contains(t, run.Figures, "outage seen by producers")
	require.GreaterOrEqual(t, run.Figures["catch-up from objects"].Value, 95.0)

	require.FileExists(t, filepath.Join(out, run.ID, "report.html"))
	countsAgree(t, filepath.Join(out, run.ID))
	left, err := filepath.Glob(filepath.Join(out, ".demo-data-*"))
	require.NoError(t, err)
	require.Empty(t, left, "the broker's data is gone")
}

// TestDemoKillsUnderLoad: a catch-up that outlasts its share, as on a busy
// machine, moves the kill and does not take the load from it.
func TestDemoKillsUnderLoad(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	slow := filepath.Join(t.TempDir(), "tide")
	require.NoError(t, os.WriteFile(slow, []byte("#!/bin/sh\n[ \"$1\" != replay ] || sleep 7\nexec '"+self+"' \"$@\"\n"), 0o755))
	trial, err := demo.Run(t.Context(), demo.Config{Binary: slow, Out: t.TempDir(), Duration: 10 * time.Second, Progress: quiet{}})
	require.NoError(t, err)
	require.Empty(t, trial.Run.Faults)
	require.Contains(t, trial.Run.Figures, "outage seen by producers")
	require.Greater(t, trial.Run.Verification.Expected, int64(24_000), "the load went on")
}

type quiet struct{}

func (quiet) Step(string, time.Duration) {}

func TestDemoSaysWhyTheBrokerDidNotStart(t *testing.T) {
	code, stdout, errs := invoke("demo", "--out", t.TempDir(), "--wal", "pwrite:/proc/version")
	require.Equal(t, exitFailed, code)
	require.Empty(t, stdout)
	require.Contains(t, errs, "O_DIRECT")
}

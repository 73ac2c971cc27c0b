package bench

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/session"
)

// walked goes through steps that were to begin so long ago.
func walked(t *testing.T, late time.Duration, steps ...step) (run results.Run) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTarget{ended: make(chan struct{})}
		tr := underway(t, f)
		tr.cfg.Progress = silent{}
		require.NoError(t, tr.walk(t.Context(), steps, time.Now().Add(-late)))
		run = tr.closed(t)
	})
	return run
}

// TestNoPhaseMeasured: a process that stood still over all of its run has
// nothing to quote, whatever it wrote before.
func TestNoPhaseMeasured(t *testing.T) {
	warmUp := step{name: "warm-up", until: 10 * time.Second, length: 10 * time.Second}
	first := step{name: "run", kind: session.Window, until: 30 * time.Second, length: 20 * time.Second}
	second := step{name: "run-2", kind: session.Window, until: 50 * time.Second, length: 20 * time.Second}
	compact := step{name: "compact", kind: session.Rated, until: 40 * time.Second, length: 10 * time.Second, what: &compaction{}}

	run := walked(t, time.Minute, warmUp, first)
	require.Equal(t, results.Invalid, run.Verdict.Word)
	require.Equal(t, "no phase was measured: all of them were left out", run.Verdict.Reasons[0].What)

	run = walked(t, 35*time.Second, warmUp, first, second)
	require.Empty(t, run.Faults, "something was measured")
	require.Len(t, run.Warnings, 2)
	require.Contains(t, run.Warnings[1].What, "phase run was left out")

	run = walked(t, 41*time.Second, compact, second)
	require.Len(t, run.Faults, 1)
	require.Contains(t, run.Faults[0].What, "phase compact was left out", "what was to happen did not")

	run = walked(t, time.Minute, warmUp)
	require.Empty(t, run.Faults, "nothing was to be measured")
}

func TestShortWarmUp(t *testing.T) {
	require.Equal(t, "the warm-up lasted 10.2s, want at least 1m0s", shortWarmUp(false, 10200*time.Millisecond))
	require.Empty(t, shortWarmUp(false, time.Minute))
	require.Empty(t, shortWarmUp(true, time.Second), "its verdict says it")
}

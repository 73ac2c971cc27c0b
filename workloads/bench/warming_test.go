package bench

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/session"
)

// fakeWindows has a p99 for each window that is over.
type fakeWindows struct {
	p99Us   []float64 // of all windows that there will be
	records int64
	begun   time.Time
	window  time.Duration
	kept    results.WarmUp
	warned  []string
}

func (f *fakeWindows) Watch(seconds int) {
	f.begun, f.window = time.Now(), time.Duration(seconds)*time.Second
}

func (f *fakeWindows) Watched() ([]float64, int64) {
	return f.p99Us[:min(len(f.p99Us), int(time.Since(f.begun)/f.window))], f.records
}

func (f *fakeWindows) WarmedUp(w results.WarmUp) { f.kept = w }
func (f *fakeWindows) Warn(what, hint string)    { f.warned = append(f.warned, what) }

// warmed walks through a warm-up of 10 s and a run of 20 s behind it, and says how
// long the run was.
func warmed(t *testing.T, quick bool, f *fakeWindows) (run time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		tr := underway(t, &fakeTarget{ended: make(chan struct{})})
		tr.cfg.Progress, tr.cfg.Quick = silent{}, quick
		tr.cfg.Workload.WarmupDurationMinutes, tr.cfg.Workload.TestDurationMinutes = 1./6, 1./3
		steps := tr.plan()
		steps[0].what.(*warming).on = f
		require.NoError(t, tr.walk(t.Context(), steps, time.Now()))
		got := tr.closed(t)
		for _, p := range got.Phases {
			if p.Name == "run" {
				run = time.Duration(p.Seconds() * float64(time.Second)).Round(time.Second)
			}
		}
	})
	return run
}

func TestWarmUpEndsAtRest(t *testing.T) {
	f := &fakeWindows{p99Us: []float64{200, 50, 3, 3.5, 4, 9, 9, 9}, records: 4000}
	require.Equal(t, 20*time.Second, warmed(t, false, f))
	require.True(t, f.kept.Stable, "at once, as the time asked for was enough")
	require.InDelta(t, 10, f.kept.Took, 0.05)
	require.Equal(t, []float64{200, 50, 3, 3.5, 4}, f.kept.P99Us)
	require.Len(t, f.warned, 1)
	require.Contains(t, f.warned[0], "the warm-up lasted 10s")
}

// TestWarmUpGoesOn: and what is planned behind it begins later, at its full length.
func TestWarmUpGoesOn(t *testing.T) {
	f := &fakeWindows{p99Us: []float64{200, 90, 40, 20, 10, 7, 6, 5, 5, 5}, records: 4000}
	require.Equal(t, 20*time.Second, warmed(t, false, f))
	require.True(t, f.kept.Stable)
	require.InDelta(t, 16, f.kept.Took, 0.05, "7, 6 and 5 are alike")
	require.Equal(t, 10.0, f.kept.Asked)
	require.Equal(t, 2.0, f.kept.Window)
}

func TestWarmUpWithoutRest(t *testing.T) {
	noisy := []float64{1000, 5000, 1000, 5000, 1000, 5000, 1000, 5000, 1000, 5000, 1000, 5000, 1000, 5000, 1000, 5000}
	f := &fakeWindows{p99Us: noisy, records: 4000}
	require.Equal(t, 20*time.Second, warmed(t, false, f))
	require.False(t, f.kept.Stable)
	require.InDelta(t, 30, f.kept.Took, 0.05)
	require.Equal(t, "the load was not at rest after 30.0 s of warm-up (asked for 10.0 s): p99 of its last windows of 2 s was 1.00, 5.00, 1.00 ms, want the highest at most 1.5 × the lowest", f.warned[1])

	f = &fakeWindows{p99Us: noisy, records: 4000}
	require.Equal(t, 20*time.Second, warmed(t, true, f))
	require.InDelta(t, 20, f.kept.Took, 0.05, "a quick one waits less")
	require.Len(t, f.warned, 1, "its verdict says that it is short")

	f = &fakeWindows{p99Us: noisy, records: 999}
	require.Equal(t, 20*time.Second, warmed(t, true, f))
	require.InDelta(t, 10, f.kept.Took, 0.05, "nothing is waited for that cannot be told")
	require.Contains(t, f.warned[0], "a window of 2s holds 999 records, want at least 1000")
}

// TestWarmUpThatIsNotJudged ends when it was to end.
func TestWarmUpThatIsNotJudged(t *testing.T) {
	for want, change := range map[string]func(*workloads.Workload){
		"throughput":   func(w *workloads.Workload) { w.Closed, w.ProducerRate = true, 0 },
		"varies":       func(w *workloads.Workload) { w.ProducerRateList = [][]float64{{0, 10}, {1, 20}} },
		"hold no 3":    func(w *workloads.Workload) { w.WarmupDurationMinutes = 0.04 },
		"0s hold no 3": func(w *workloads.Workload) { w.WarmupDurationMinutes = 0 },
	} {
		tr := disturbed(t)
		change(&tr.cfg.Workload)
		require.Contains(t, tr.rests(), want)
		require.Equal(t, tr.warmUp(), tr.longestWarmUp())
		steps := tr.plan()
		require.Nil(t, steps[0].what)
		require.False(t, steps[0].open)
		require.Equal(t, tr.warmUp()+3*time.Minute, steps[len(steps)-1].until)
	}
	tr := disturbed(t)
	require.Equal(t, 30*time.Second, tr.longestWarmUp())
	tr.cfg.probe = true
	require.Equal(t, 20*time.Second, tr.longestWarmUp())
	require.Equal(t, session.Unrated, (&warming{}).kind())
}

package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/session"
)

// disturbed is a trial of 10 s of warm-up and three minutes.
func disturbed(t *testing.T, phases ...workloads.Phase) *trial {
	tr := newTrial(t, "tail-2k", false)
	tr.cfg.Workload.WarmupDurationMinutes = 1. / 6
	tr.cfg.Workload.Phases = phases
	require.NoError(t, tr.cfg.Workload.Validate())
	return tr
}

func TestPlanWithoutPhases(t *testing.T) {
	got := disturbed(t).plan()
	require.IsType(t, &warming{}, got[0].what)
	got[0].what = nil
	require.Equal(t, []step{
		{name: "warm-up", until: 30 * time.Second, length: 30 * time.Second, open: true, asked: 10 * time.Second},
		{name: "run", kind: session.Window, until: 210 * time.Second, length: 180 * time.Second, calm: true},
	}, got)
}

func TestPlan(t *testing.T) {
	tr := disturbed(t,
		workloads.Phase{At: 20 * time.Second, Do: "catch-up", For: 20 * time.Second},
		workloads.Phase{At: 40 * time.Second, Do: "catch-up", For: 10 * time.Second},
		workloads.Phase{At: 60 * time.Second, Do: "kill9", For: 30 * time.Second},
		workloads.Phase{At: 170 * time.Second, Do: "compact", For: 10 * time.Second},
	)
	type brief struct {
		name  string
		until int // seconds
		kind  session.Kind
		calm  bool
	}
	var got []brief
	for _, s := range tr.plan() {
		require.Equal(t, s.what != nil, s.name[:3] != "run")
		got = append(got, brief{s.name, int(s.until.Seconds()), s.kind, s.calm})
	}
	require.Equal(t, []brief{
		{"warm-up", 30, session.Unrated, false}, // at most; what follows counts from its end
		{"run", 50, session.Window, true},
		{"catch-up", 70, session.Rated, false},
		{"catch-up-2", 80, session.Rated, false},
		{"run-2", 90, session.Window, true},
		{"kill9", 120, session.Unrated, false},
		{"run-3", 200, session.Window, false}, // what an outage leaves behind is no yardstick
		{"compact", 210, session.Rated, false},
	}, got)
}

func TestPlanOfAQuickTrial(t *testing.T) {
	tr := disturbed(t, workloads.Phase{At: 90 * time.Second, Do: "catch-up", For: 45 * time.Second})
	tr.cfg.Quick = true
	var ends []time.Duration
	for _, s := range tr.plan() {
		ends = append(ends, s.until)
	}
	require.Equal(t, []time.Duration{20 * time.Second, 30 * time.Second, 35 * time.Second, 40 * time.Second}, ends)
}

func TestEveryHappening(t *testing.T) {
	require.ElementsMatch(t, workloads.Happenings, happeningNames())
}

// TestAble: a target that runs elsewhere is neither killed nor compacted.
func TestAble(t *testing.T) {
	tr := disturbed(t,
		workloads.Phase{At: 0, Do: "kill9", For: time.Second},
		workloads.Phase{At: 20 * time.Second, Do: "compact", For: time.Second},
		workloads.Phase{At: 40 * time.Second, Do: "catch-up", For: time.Second},
		workloads.Phase{At: 60 * time.Second, Do: "store-outage", For: time.Second},
	)
	tr.cfg.Target.Address = "127.0.0.1:1"
	err := able(tr.plan())
	require.ErrorContains(t, err, "phase kill9: the target was not started here")
	require.ErrorContains(t, err, "phase compact: the target does not compact")
	require.ErrorContains(t, err, "phase store-outage: the target's store cannot be made to fail")
	require.NotContains(t, err.Error(), "catch-up")
	require.ErrorContains(t, tr.cfg.Check(), "only the store of tide, started here, can be made to fail")
}

package bench

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/session"
)

// lagging is a trial with a back-log of 10,000 records of 1 KiB, at 2,000/s.
func lagging(tr *trial) *trial {
	tr.cfg.Workload.ConsumerBacklogSizeGB = 10_000. / (1 << 20)
	tr.cfg.Progress, tr.tail = silent{}, &load.Readers{}
	return tr
}

func TestPlanOfABacklogBesideALoad(t *testing.T) {
	tr := lagging(disturbed(t))
	steps := tr.plan()
	type brief struct {
		name       string
		until      time.Duration
		kind       session.Kind
		open, calm bool
	}
	var got []brief
	for _, s := range steps {
		got = append(got, brief{s.name, s.until, s.kind, s.open, s.calm})
	}
	require.Equal(t, []brief{
		{"warm-up", 30 * time.Second, session.Unrated, true, false},
		{"backlog-build", 30*time.Second + time.Hour, session.Rated, true, false},
		{"backlog-drain", 30*time.Second + 2*time.Hour, session.Rated, true, false},
		{"run", 210*time.Second + 2*time.Hour, session.Window, false, true},
	}, got)
	require.Equal(t, 5*time.Second, tr.cfg.Workload.BuildTime(tr.backlog()))
	tr.cfg.Workload.ConsumerBacklogSizeGB = 20
	require.Greater(t, tr.plan()[1].length, 5*time.Hour, "it may take as long as the rate needs")
	tr.cfg.Workload.BacklogDrainRatio = 0.5
	require.False(t, tr.plan()[3].calm)
}

func TestLevel(t *testing.T) {
	d := &draining{t: lagging(disturbed(t))}
	require.Equal(t, int64(1000), d.level())
	d.t.cfg.Workload.BacklogDrainRatio = 0.6
	require.Equal(t, int64(4000), d.level())
	d.t.cfg.Workload.ProducerRate = 200_000
	require.Equal(t, int64(20_000), d.level(), "as many are always on their way")
}

// walkBacklog goes through the phases while records are sent, and, when
// consumers do not pause, read at a rate.
func walkBacklog(t *testing.T, within, readRate time.Duration) (run results.Run) {
	synctest.Test(t, func(t *testing.T) {
		tr := lagging(underway(t, &fakeTarget{}))
		stop := make(chan struct{})
		go func() {
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
				case <-stop:
					return
				}
				c := &tr.load.Counters
				c.Sent.Add(2)
				if n := min(int64(readRate), tr.behind()); !tr.tail.Paused() {
					c.Consumed.Add(n)
					c.ConsumeB.Add(n << 10)
				}
			}
		}()
		steps := []step{
			{name: "warm-up", until: time.Second, length: time.Second},
			{name: "backlog-build", until: time.Second + within, length: within, open: true, what: &building{t: tr}},
			{name: "backlog-drain", until: time.Second + 2*within, length: within, open: true, what: &draining{t: tr}},
			{name: "run", until: 3*time.Second + 2*within, length: 2 * time.Second},
		}
		require.NoError(t, tr.walk(t.Context(), steps, time.Now()))
		close(stop)
		run = tr.closed(t)
	})
	return run
}

func TestBacklogBesideALoad(t *testing.T) {
	run := walkBacklog(t, time.Hour, 20)
	require.Empty(t, run.Faults)
	require.InDelta(t, 5, run.Figures["backlog-build time"].Value, 0.1)
	require.InDelta(t, 10, run.Figures["backlog-build size"].Value, 0.3)
	require.InDelta(t, 0.5, run.Figures["backlog-drain time"].Value, 0.1, "9,000 records at 18,000 more a second than are sent")
	require.InDelta(t, 20_000./1024, run.Figures["backlog-drain read rate"].Value, 1)
	last := run.Phases[3]
	require.Equal(t, "run", last.Name)
	require.InDelta(t, 2, last.Seconds(), 0.1, "it begins when the back-log is drained, and has its time")
	require.InDelta(t, 8.5, last.End, 0.3)
}

func TestBacklogThatIsNeverThere(t *testing.T) {
	run := walkBacklog(t, 2*time.Second, 20)
	require.Contains(t, run.Faults[0].What, "backlog-build: consumers were behind by")
	run = walkBacklog(t, 20*time.Second, 2)
	require.Len(t, run.Faults, 1)
	require.Contains(t, run.Faults[0].What, "backlog-drain: consumers were behind by")
}

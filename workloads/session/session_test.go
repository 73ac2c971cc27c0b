package session

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/target"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a target whose counters a test sets.
type fake struct {
	mu      sync.Mutex
	metrics target.Metrics // guarded by mu
	usage   target.Usage   // guarded by mu
}

func (f *fake) Metrics(context.Context) (target.Metrics, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.metrics, nil
}

func (f *fake) Usage() target.Usage {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.usage
}

func (f *fake) set(m target.Metrics, u target.Usage) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.metrics, f.usage = m, u
}

func open(t *testing.T, dir string, f target.Meter) (*Session, *load.Load) {
	clock, rec := load.NewClock(), load.NewRecorder()
	l, err := load.New(load.Config{Brokers: []string{"127.0.0.1:1"}, Topic: "t", Rate: 10}, clock, rec)
	require.NoError(t, err)
	s, err := Open(Config{
		Dir: dir, Env: t.TempDir(), Clock: clock, Rec: rec, Load: l, Target: f,
		Run: results.Run{Workload: "w", Target: "fake"},
	})
	require.NoError(t, err)
	return s, l
}

// logTimes writes the response times of so many records, as the recorder would
// have had them.
func logTimes(t *testing.T, s *Session, records int64) {
	hs := results.NewHistograms()
	require.NoError(t, hs[results.ProduceResponse].RecordValues(int64(time.Millisecond), records))
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NoError(t, s.out.Interval(time.Now(), time.Now().Add(time.Second), s.phase, hs))
}

func TestPhasesAndTimeline(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trial")
	synctest.Test(t, func(t *testing.T) {
		f := &fake{metrics: target.Metrics{metricPuts: 2}}
		s, l := open(t, dir, f)
		s.Begin("tail", Rated)
		l.Counters.Acked.Add(30)
		l.Counters.AckedB.Add(3 << 20)
		logTimes(t, s, 30)
		f.set(target.Metrics{metricPuts: 7}, target.Usage{})
		time.Sleep(2500 * time.Millisecond) // the bubble's clock
		s.Begin("kill", Unrated)
		// It was killed and started again.
		f.set(target.Metrics{metricPuts: 1}, target.Usage{CPU: 3 * time.Second, PeakRSS: 5 << 20})
		time.Sleep(time.Second)
		s.End()
		require.Len(t, s.Phases(), 2)
		s.Warn("a warning", "a hint")
		s.Figure("recovery", 1.5, "s")
		require.NoError(t, s.Close())
	})
	trial, err := results.Load(dir)
	require.NoError(t, err)
	tail, _ := trial.Phase("tail")
	require.Equal(t, int64(30), tail.Acked)
	require.Equal(t, int64(5), tail.Puts)
	require.InDelta(t, 2.5, tail.Seconds(), 1e-6)
	kill, _ := trial.Phase("kill")
	require.Equal(t, int64(1), kill.Puts, "a counter that starts again goes on")
	require.InDelta(t, 3.0, kill.CPU, 1e-6)
	require.Equal(t, int64(8), trial.Run.Counters[metricPuts])
	require.Equal(t, results.Figure{Value: 1.5, Unit: "s"}, trial.Run.Figures["recovery"])
	require.Equal(t, "a warning", trial.Run.Warnings[0].What)

	var at []float64
	for _, r := range trial.Timeline.Rows {
		at = append(at, r.T)
	}
	require.Equal(t, []float64{1, 2, 2.5, 3.5}, at, "a phase's end cuts the interval")
	require.Equal(t, 30.0, trial.Timeline.Column("acked_per_s")[0])
	require.Equal(t, 3.0, trial.Timeline.Column("acked_mib_per_s")[0])
}

func TestFaultIsInvalid(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trial")
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t, dir, &fake{metrics: target.Metrics{metricPuts: 0}})
		s.Begin("tail", Window)
		time.Sleep(time.Second)
		s.Fault("warm", "drop it")
		s.Verified(results.Verification{Done: true})
		require.NoError(t, s.AddFile("workload.yaml", []byte("name: x\n")))
		require.NoError(t, s.Close())
	})
	trial, err := results.Load(dir)
	require.NoError(t, err)
	require.Equal(t, results.Invalid, trial.Run.Verdict.Word)
	require.Contains(t, trial.Run.Warnings[0].What, "no upload")
	require.True(t, trial.Run.Verification.Done)
}

func TestAbandonLeavesNoRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trial")
	s, _ := open(t, dir, &fake{})
	require.NoError(t, s.Abandon())
	_, err := results.Load(dir)
	require.ErrorContains(t, err, "not a finished trial")
}

func TestLives(t *testing.T) {
	var l lives
	l.init()
	l.add(target.Metrics{"a_total": 5, "b_total": 9, "gauge": 4})
	l.add(target.Metrics{"a_total": 6, "b_total": 9, "gauge": 1})
	require.Equal(t, map[string]float64{"a_total": 6, "b_total": 9, "gauge": 1}, l.sums())
	l.add(target.Metrics{"a_total": 0, "b_total": 9, "gauge": 2}) // b caught up by chance
	require.Equal(t, map[string]float64{"a_total": 6, "b_total": 18, "gauge": 2}, l.sums())
	l.add(nil)
	require.Equal(t, 6.0, l.sums()["a_total"])
}

// TestSimulated: what a broker says about models reaches run.json.
func TestSimulated(t *testing.T) {
	require.Equal(t, []string{"store: s3-standard (\"guesses\", 80MiB/s), seed 1", "wal: gp3"}, simulated(map[string]float64{
		`tide_simulated{model="s3-standard (\"guesses\", 80MiB/s), seed 1",part="store"}`: 1,
		`tide_simulated{model="gp3",part="wal"}`:                                          1,
		`tide_objstore_requests_total{op="put"}`:                                          1,
	}))
}

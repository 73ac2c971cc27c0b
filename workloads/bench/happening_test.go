package bench

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/session"
	"github.com/tidelog/tide/workloads/target"
)

// fakeTarget compacts for as long as a test says.
type fakeTarget struct {
	target.Running
	takes time.Duration
	err   error
	ended chan struct{}
}

func (f *fakeTarget) Metrics(context.Context) (target.Metrics, error) { return nil, nil }
func (f *fakeTarget) Usage() target.Usage                             { return target.Usage{} }
func (f *fakeTarget) Ended() <-chan struct{}                          { return f.ended }
func (f *fakeTarget) LastWords() string                               { return "out of memory" }

func (f *fakeTarget) Compact(ctx context.Context) (target.Compacted, error) {
	select {
	case <-time.After(f.takes):
		return target.Compacted{ObjectsIn: 12, BytesWritten: 3 << 20}, f.err
	case <-ctx.Done():
		return target.Compacted{}, ctx.Err()
	}
}

// underway is a trial whose session is open, on a target.
func underway(t *testing.T, on target.Running) *trial {
	tr := newTrial(t, "tail-2k", false)
	tr.target, tr.clock = on, load.NewClock()
	rec := load.NewRecorder()
	var err error
	tr.load, err = load.New(load.Config{Brokers: []string{"127.0.0.1:1"}, Topic: "t", Rate: 10}, tr.clock, rec)
	require.NoError(t, err)
	tr.dir = filepath.Join(t.TempDir(), "trial")
	tr.session, err = session.Open(session.Config{
		Dir: tr.dir, Env: t.TempDir(), Clock: tr.clock, Rec: rec, Load: tr.load, Target: on, Run: results.Run{},
	})
	require.NoError(t, err)
	return tr
}

// closed is run.json of a trial that is over.
func (t *trial) closed(tb testing.TB) results.Run {
	require.NoError(tb, t.session.Close())
	loaded, err := results.Load(t.dir)
	require.NoError(tb, err)
	return loaded.Run
}

func compactFor(t *testing.T, f *fakeTarget, within time.Duration) (took time.Duration, run results.Run) {
	synctest.Test(t, func(t *testing.T) {
		tr := underway(t, f)
		begun := time.Now()
		require.NoError(t, tr.happen(t.Context(), step{name: "compact", what: &compaction{t: tr}}, begun.Add(within)))
		took = time.Since(begun)
		run = tr.closed(t)
	})
	return took, run
}

func TestCompactEndsWhenItIsThrough(t *testing.T) {
	took, run := compactFor(t, &fakeTarget{takes: 3 * time.Second}, 20*time.Second)
	require.Equal(t, 3*time.Second, took)
	require.Empty(t, run.Warnings)
	require.Equal(t, 12.0, run.Figures["compact objects merged"].Value)
	require.Equal(t, 3.0, run.Figures["compact written"].Value)
}

func TestCompactEndsWithItsTime(t *testing.T) {
	took, run := compactFor(t, &fakeTarget{takes: time.Hour}, 20*time.Second)
	require.Equal(t, 20*time.Second, took)
	require.Contains(t, run.Warnings[0].What, "not through when its time was over")
	require.Empty(t, run.Faults)
}

func TestCompactThatFails(t *testing.T) {
	_, run := compactFor(t, &fakeTarget{takes: 1, err: errors.New("no space")}, time.Second)
	require.Contains(t, run.Faults[0].What, "compact failed: no space")
}

// TestKilledTargetThatEnds: after the restart it has to live on.
func TestKilledTargetThatEnds(t *testing.T) {
	f := &fakeTarget{ended: make(chan struct{})}
	k := &kill9{t: &trial{target: f}}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, k.wait(gone))
	close(f.ended)
	require.ErrorContains(t, k.wait(t.Context()), "ended by itself: out of memory")
}

func TestSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		require.True(t, (&trial{}).soon(t.Context(), func() bool { asked++; return asked == 5 }))
		begun := time.Now()
		require.False(t, (&trial{}).soon(t.Context(), func() bool { return false }))
		require.Equal(t, recoverTimeout, time.Since(begun))
	})
}

func TestEffectsWantRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := underway(t, &fakeTarget{})
		tr.effects([]step{{name: "run", calm: true}, {name: "compact", what: &compaction{t: tr}}})
		run := tr.closed(t)
		require.Contains(t, run.Warnings[0].What, "phase compact holds 0 records")
		require.NotContains(t, run.Figures, "compact p99")
	})
}

func TestFillOfAQuickTrial(t *testing.T) {
	tr := newTrial(t, "quick-catchup", false)
	require.Equal(t, int64(1<<30), tr.fillBytes())
	tr.cfg.Quick = true
	require.Equal(t, int64(512<<20), tr.fillBytes(), "less takes no time to read")
	tr.cfg.Workload.FillGB = 0.25
	require.Equal(t, int64(256<<20), tr.fillBytes())
	tr.cfg.Workload.FillGB = 40
	require.Equal(t, int64(5<<30), tr.fillBytes())
}

// tieredTarget has put away a tenth more of the fill each time it is asked.
type tieredTarget struct {
	fakeTarget
	committed int64
}

func (f *tieredTarget) Committed(context.Context, string) (int64, error) {
	f.committed += 10
	return f.committed, nil
}

func TestSettleFillLeavesTheLastBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &tieredTarget{}
		tr := underway(t, f)
		tr.cfg.Progress, tr.filled = silent{}, 100
		begun := time.Now()
		require.NoError(t, tr.settleFill(t.Context()))
		require.Equal(t, int64(90), f.committed)
		require.Equal(t, 800*time.Millisecond, time.Since(begun))
		tr.filled = 1e6
		require.ErrorContains(t, tr.settleFill(t.Context()), "of the 1000000 records that were filled are in objects after")
		tr.closed(t)
	})
}

type silent struct{}

func (silent) Step(string, time.Duration) {}

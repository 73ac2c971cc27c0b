package session

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/internal/spans"
	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/target"
)

func TestUnion(t *testing.T) {
	require.Equal(t, []spans.Span{{Start: 1, End: 6}, {Start: 8, End: math.MaxInt64}}, union([]spans.Span{
		{Start: 8}, {Start: 1, End: 4}, {Start: 3, End: 6}, {Start: 9, End: 10}, {Start: 2, End: 3},
	}))
}

// TestOverlaps compares the search with asking every span.
func TestOverlaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var work []spans.Span
		for range rapid.IntRange(0, 6).Draw(t, "spans") {
			start := rapid.Int64Range(1, 50).Draw(t, "start")
			work = append(work, spans.Span{Start: start, End: start + rapid.Int64Range(0, 9).Draw(t, "length")})
		}
		from := rapid.Int64Range(0, 60).Draw(t, "from")
		to := from + rapid.Int64Range(0, 20).Draw(t, "response")
		want := false
		for _, w := range work {
			want = want || w.Start <= to && w.End >= from
		}
		require.Equal(t, want, overlaps(union(work), from, to))
	})
}

func records(n int, at, response int64) []load.Timed {
	out := make([]load.Timed, n)
	for i := range out {
		out[i] = load.Timed{At: at, Response: response}
	}
	return out
}

// TestSplits: two uploads, of which one had begun before the phase, and a
// second of which nothing is known.
func TestSplits(t *testing.T) {
	const s = int64(time.Second)
	sp := newSplits(100 * s)
	first := []spans.Span{{Start: 99 * s, End: 100*s + s/2}, {Start: 100*s + 3*s/4}}
	taken := append(records(10, 100*s+s/4, 1e6), records(20, 100*s+5*s/8, 2e6)...)
	sp.add(101*s, load.Interval{Timed: taken}, map[string][]spans.Span{"upload": first})
	first[1].End = 101*s + s/4
	sp.add(102*s, load.Interval{Timed: records(5, 101*s+s/2, s/2), TimedLost: 3}, map[string][]spans.Span{"upload": first})
	sp.skip(104*s, load.Interval{Timed: records(4, 103*s, 1)})

	got := sp.result()
	require.Len(t, got, 1, "no compaction")
	require.Equal(t, int64(1), got[0].Complete)
	require.InDelta(t, (0.5+0.25+0.25)/2, got[0].Share, 1e-9)
	require.Equal(t, int64(15), got[0].During.Count, "also those that were on their way when it ended")
	require.Equal(t, int64(20), got[0].Between.Count)
	require.InEpsilon(t, int64(2e6), got[0].Between.P99, 0.001)
	require.InEpsilon(t, s/2, got[0].During.P99, 0.001)
	require.Equal(t, int64(7), got[0].Unknown)
	require.False(t, got[0].Quotable())

	both := newSplits(0)
	both.merge(sp)
	both.merge(sp)
	sum := both.result()[0]
	require.Equal(t, int64(2), sum.Complete)
	require.InDelta(t, got[0].Share, sum.Share, 1e-9)
	require.Equal(t, int64(40), sum.Between.Count)
	require.Equal(t, int64(14), sum.Unknown)
}

func TestSplitFigures(t *testing.T) {
	times := func(n, p99 int64) results.Times { return results.Times{Count: n, P99: p99} }
	got := map[string]float64{}
	figure := func(name string, v float64, _ string) { got[name] = v }
	splitFigures("run", []results.Split{
		{Work: kindUpload, Share: 0.75, During: times(3000, 3e6), Between: times(1000, 2e6)},
		{Work: kindCompaction, Share: 0.1, During: times(999, 3e6), Between: times(1000, 2e6)},
	}, figure)
	require.Equal(t, map[string]float64{
		"run time during uploads": 75, "run p99 during uploads": 3, "run p99 between uploads": 2,
		"run p99 during uploads ÷ between": 1.5, "run time during compaction": 10,
	}, got)
}

// active is a target that tells of its work.
type active struct {
	fake
	work target.Activity
}

func (a *active) Activity(context.Context) (target.Activity, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.work == nil {
		return nil, errors.New("dead")
	}
	return a.work, nil
}

// TestWindowIsSplit: what the target says about its uploads reaches run.json,
// and a window without them is warned of.
func TestWindowIsSplit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trial")
	synctest.Test(t, func(t *testing.T) {
		a := &active{work: target.Activity{}}
		a.metrics = target.Metrics{metricPuts: 0}
		s, _ := open(t, dir, a)
		s.Begin("run", Window)
		begun := time.Now()
		time.Sleep(2 * time.Second) // the bubble's clock
		a.mu.Lock()
		a.work = target.Activity{kindUpload: {{Start: begun.UnixNano(), End: begun.Add(time.Second).UnixNano()}}}
		a.mu.Unlock()
		time.Sleep(2 * time.Second)
		s.Begin("kill", Unrated)
		require.NoError(t, s.Close())
	})
	trial, err := results.Load(dir)
	require.NoError(t, err)
	run, _ := trial.Phase("run")
	require.Len(t, run.Splits, 1)
	require.Zero(t, run.Splits[0].Share, "it was told of too late")
	kill, _ := trial.Phase("kill")
	require.Empty(t, kill.Splits)
	require.Contains(t, trial.Run.Warnings[0].What, "no upload: phase run holds 0 complete uploads")
}

// TestNoStoreNoUpload: a target without a store misses none.
func TestNoStoreNoUpload(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trial")
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t, dir, &fake{metrics: target.Metrics{metricPuts: 0}})
		s.cfg.NoStore = true
		s.Begin("run", Window)
		time.Sleep(time.Second) // the bubble's clock
		require.NoError(t, s.Close())
	})
	trial, err := results.Load(dir)
	require.NoError(t, err)
	for _, w := range trial.Run.Warnings {
		require.NotContains(t, w.What, "no upload")
	}
}

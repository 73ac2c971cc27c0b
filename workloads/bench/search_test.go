package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/target"
)

// TestBisection: whatever the target holds, it is found from below to the
// precision that was asked for, in the number of probes that a search has.
func TestBisection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.Int64Range(1000, 1_000_000).Draw(t, "capacity")
		b := bisection{first: rapid.Int64Range(max(1, capacity/100), capacity*100).Draw(t, "first"), precision: precision}
		probes := 0
		for {
			rate, ok := b.next()
			if !ok {
				break
			}
			probes++
			b.tell(rate, rate <= capacity)
		}
		require.LessOrEqual(t, b.held, capacity)
		require.Greater(t, b.failed, capacity)
		require.LessOrEqual(t, float64(b.failed), float64(b.held)*(1+precision))
		require.LessOrEqual(t, probes, maxProbes)
	})
}

func TestBisectionAtItsBounds(t *testing.T) {
	b := bisection{first: maxRate / 2, precision: precision}
	b.tell(maxRate/2, true)
	rate, ok := b.next()
	require.True(t, ok)
	require.Equal(t, int64(maxRate), rate)
	b.tell(rate, true)
	_, ok = b.next()
	require.False(t, ok, "no load is sent at more")

	b = bisection{first: 2, precision: precision}
	b.tell(2, false)
	rate, ok = b.next()
	require.True(t, ok)
	require.Equal(t, int64(1), rate)
	b.tell(rate, false)
	_, ok = b.next()
	require.False(t, ok)
	b = bisection{precision: precision, held: 2, failed: 3}
	_, ok = b.next()
	require.False(t, ok, "there is nothing in between")
}

// searching is a search on a target that holds a rate.
func searching(t *testing.T, capacity int64) *search {
	w, err := workloads.Open("tail-2k")
	require.NoError(t, err)
	limit, err := ParseLimit("p99=10ms")
	require.NoError(t, err)
	s := newSearch(Config{Workload: w, Out: t.TempDir(), Search: limit, Progress: silent{}})
	s.probe = func(_ context.Context, cfg Config) (*results.Trial, error) {
		rate := cfg.Workload.ProducerRate
		require.Nil(t, cfg.Search)
		require.Contains(t, string(cfg.Workload.Source()), fmt.Sprintf("\nproducerRate: %d\n", rate))
		response := 5 * time.Millisecond
		if rate > capacity {
			response = 50 * time.Millisecond
		}
		return probed(t, filepath.Join(cfg.Out, fmt.Sprint("at-", rate)), response, results.Run{}), nil
	}
	return s
}

// probed is a trial in which every record had that response.
func probed(t *testing.T, dir string, response time.Duration, run results.Run) *results.Trial {
	begun := time.Now()
	w, err := results.Create(dir, begun, []string{"acked_per_s"})
	require.NoError(t, err)
	hs := results.NewHistograms()
	require.NoError(t, hs[results.ProduceResponse].RecordValues(int64(response), 2000))
	require.NoError(t, w.Interval(begun, begun.Add(time.Second), "run", hs))
	run.Figures = map[string]results.Figure{}
	require.NoError(t, w.Finish(&run, &results.Env{}))
	loaded, err := results.Load(dir)
	require.NoError(t, err)
	return loaded
}

func TestSearch(t *testing.T) {
	s := searching(t, 7000)
	got, err := s.run(t.Context())
	require.NoError(t, err)
	loaded, err := results.Load(got.Dir)
	require.NoError(t, err)
	require.Equal(t, results.Valid, loaded.Run.Verdict.Word)
	require.Empty(t, loaded.Run.Warnings)
	found := loaded.Run.Search
	require.InDelta(t, 6840, float64(found.Highest), 170)
	require.Greater(t, found.NotHeld, int64(7000))
	require.True(t, found.Within())
	require.Equal(t, float64(found.Highest), loaded.Run.Figures["highest rate"].Value)
	require.Equal(t, fmt.Sprint("at-", found.Highest), loaded.Run.ID, "it is the trial of that rate")
	require.Contains(t, loaded.Run.Command, "--search p99=10ms")
	require.Equal(t, []int64{2000, 4000, 8000}, []int64{found.Probes[0].Rate, found.Probes[1].Rate, found.Probes[2].Rate})
	require.True(t, found.Probes[1].Held)
	require.Equal(t, []string{"50.003967ms at the percentile of p99=10ms"}, found.Probes[2].Reasons)
	for _, p := range found.Probes {
		_, err := results.Load(filepath.Join(got.Dir, p.Trial))
		require.NoError(t, err, "each probe is a trial")
	}
	require.FileExists(t, filepath.Join(got.Dir, "report.html"))
	left, err := os.ReadDir(s.cfg.Out)
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func TestSearchThatFindsNothing(t *testing.T) {
	s := searching(t, 0)
	got, err := s.run(t.Context())
	require.NoError(t, err)
	require.Equal(t, results.Invalid, got.Run.Verdict.Word)
	require.Contains(t, got.Run.Verdict.Reasons[0].What, "no rate was found that holds p99=10ms: the lowest tried was 1/s")
	require.Equal(t, "at-1", got.Run.ID)
	require.NotContains(t, got.Run.Figures, "highest rate", "0/s is none")
	require.Contains(t, got.Run.Figures, "lowest rate that does not hold")
}

// TestSearchWithoutAValidProbe says so, and quotes no rate of the target.
func TestSearchWithoutAValidProbe(t *testing.T) {
	late := results.Run{Phases: []results.Phase{{
		Name: "run", RateChecked: true, Generator: results.Generator{Sends: 5000, ErrorP99Us: 9000, ResponseP99Us: 10_000},
	}}}
	s := searching(t, 7000)
	n := 0
	s.probe = func(_ context.Context, cfg Config) (*results.Trial, error) {
		n++
		return probed(t, filepath.Join(cfg.Out, fmt.Sprint("late-", n)), time.Millisecond, late), nil
	}
	got, err := s.run(t.Context())
	require.NoError(t, err)
	require.Equal(t, results.Invalid, got.Run.Verdict.Word)
	require.Contains(t, got.Run.Verdict.Reasons[0].What, "of 16 probes none was valid; the last, at 15/s: phase run: the generator itself was late by 9.00 ms at p99, want ≤ 2.50 ms")
	require.NotContains(t, got.Run.Figures, "highest rate")
	require.NotContains(t, got.Run.Figures, "lowest rate that does not hold")
}

func TestSearchWithTooFewProbes(t *testing.T) {
	s := searching(t, 7000)
	s.most = 3
	got, err := s.run(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(4000), got.Run.Search.Highest)
	require.Contains(t, got.Run.Warnings[0].What, "not known to 5 %")
}

// TestSearchPastAFailure: an invalid trial, and none at all, mean that the rate
// does not hold; but if nothing ever worked there is no search.
func TestSearchPastAFailure(t *testing.T) {
	s := searching(t, 7000)
	sound := s.probe
	s.probe = func(ctx context.Context, cfg Config) (*results.Trial, error) {
		switch rate := cfg.Workload.ProducerRate; {
		case rate > 7000:
			return nil, errors.New("the target ended by itself")
		case rate > 3000:
			return probed(t, filepath.Join(cfg.Out, fmt.Sprint("at-", rate)), time.Millisecond,
				results.Run{Faults: []results.Finding{{What: "lost"}}}), nil
		}
		return sound(ctx, cfg)
	}
	got, err := s.run(t.Context())
	require.NoError(t, err)
	require.InDelta(t, 2930, float64(got.Run.Search.Highest), 70)
	require.Contains(t, got.Run.Search.Probes[1].Reasons, "lost")
	s = searching(t, 7000)
	s.probe = func(context.Context, Config) (*results.Trial, error) { return nil, errors.New("no such port") }
	_, err = s.run(t.Context())
	require.ErrorContains(t, err, "no such port")
	left, err := os.ReadDir(s.cfg.Out)
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestSearchTriesAgainWhatTheGeneratorSpoiled: once.
func TestSearchTriesAgainWhatTheGeneratorSpoiled(t *testing.T) {
	late := results.Run{Phases: []results.Phase{{
		Name: "run", RateChecked: true, Generator: results.Generator{Sends: 5000, ErrorP99Us: 9000, ResponseP99Us: 10_000},
	}}}
	s := searching(t, 7000)
	sound, spoiled := s.probe, map[int64]int{2000: 1, 8000: 9}
	s.probe = func(ctx context.Context, cfg Config) (*results.Trial, error) {
		rate := cfg.Workload.ProducerRate
		if spoiled[rate]--; spoiled[rate] >= 0 {
			return probed(t, filepath.Join(cfg.Out, fmt.Sprint("spoiled-", rate, "-", spoiled[rate])), time.Millisecond, late), nil
		}
		return sound(ctx, cfg)
	}
	got, err := s.run(t.Context())
	require.NoError(t, err)
	var rates []int64
	for _, p := range got.Run.Search.Probes[:5] {
		rates = append(rates, p.Rate)
	}
	require.Equal(t, []int64{2000, 2000, 4000, 8000, 8000}, rates)
	require.True(t, got.Run.Search.Probes[3].Void)
	require.False(t, got.Run.Search.Probes[4].Void)
	require.InDelta(t, 6840, float64(got.Run.Search.Highest), 170)
}

func TestParseLimit(t *testing.T) {
	l, err := ParseLimit("p999=250us")
	require.NoError(t, err)
	require.Equal(t, Limit{Text: "p999=250us", Percentile: 99.9, Most: 250 * time.Microsecond}, *l)
	for _, bad := range []string{"", "p99", "p98=1ms", "p99=0s", "p99=2m", "p99=ten", "10ms"} {
		_, err := ParseLimit(bad)
		require.ErrorContains(t, err, "as in p99=10ms", bad)
	}
}

func TestSearchesThatCannotBe(t *testing.T) {
	limit, err := ParseLimit(DefaultLimit)
	require.NoError(t, err)
	for name, want := range map[string]string{"closed-1k": "no rate to be varied", "quick-catchup": "phases and fillGB", "catchup-2gib": "a rate is not held while a back-log is read", "automq-scale": "varies the rate by itself"} {
		w, err := workloads.Open(name)
		require.NoError(t, err)
		require.ErrorContains(t, Config{Workload: w, Search: limit}.Check(), want, name)
		require.NoError(t, Config{Workload: w}.Check())
	}
	w, err := workloads.Open("tail-2k")
	require.NoError(t, err)
	w.RandomTopicNames = false
	require.NoError(t, Config{Workload: w, Search: limit}.Check())
	require.ErrorContains(t, Config{Workload: w, Search: limit, Target: target.Spec{Address: "127.0.0.1:1"}}.Check(), "fresh topics")
	_, err = Run(t.Context(), Config{Workload: workloads.Workload{}})
	require.ErrorContains(t, err, "no limit to search at")
}

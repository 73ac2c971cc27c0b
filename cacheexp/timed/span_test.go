package timed_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/cacheexp/timed"
	"github.com/tidelog/tide/cacheexp/trace"
)

// TestSpan: times that leave no room for a GET behind them are refused, whatever
// they begin with, and those that go back are taken for the latest one.
func TestSpan(t *testing.T) {
	for _, c := range []struct {
		times []int64
		want  string
	}{
		{[]int64{0, math.MaxInt64}, "292 years after the first one"},
		{[]int64{math.MinInt64 + 1, math.MaxInt64}, "584 years after the first one at -9223372036854775807 ns"},
		{[]int64{0, math.MaxInt64 / 4}, ""},
		{[]int64{math.MaxInt64, math.MinInt64, math.MaxInt64}, ""},
	} {
		var items []trace.Access
		for i, at := range c.times {
			items = append(items, trace.Access{Kind: trace.Miss, Size: mib, Time: at, Object: int64(i)})
		}
		catalog, err := timed.NewCatalog(&tape{items: items})
		require.NoError(t, err)
		r, err := timed.Run(catalog, &tape{items: items}, timed.Config{Policy: "lru", Prefetch: "none", Capacity: mib, Service: steady})
		if c.want != "" {
			require.ErrorContains(t, err, c.want)
			continue
		}
		require.NoError(t, err)
		require.EqualValues(t, len(items), r.GETs)
	}
}

// passing is a trace of readers that ask once each and never come back.
type passing struct{ n, end int64 }

func (p *passing) Next() (trace.Access, error) {
	if p.n == p.end {
		return (&tape{}).Next()
	}
	p.n++
	return trace.Access{Kind: trace.Miss, Size: 1, Time: p.n * 1e9, Stream: p.n, Reader: uint64(p.n), Start: 0, End: 1}, nil
}

// TestReadersThatPass: a reader that waits for nothing takes no memory, so a
// replay of twice as many allocates no more.
func TestReadersThatPass(t *testing.T) {
	catalog, err := timed.NewCatalog(&passing{end: 1})
	require.NoError(t, err)
	allocs := func(readers int64) float64 {
		return testing.AllocsPerRun(3, func() {
			r, err := timed.Run(catalog, &passing{end: readers}, timed.Config{Policy: "lru", Prefetch: "none", Capacity: 10, Service: steady})
			require.NoError(t, err)
			require.EqualValues(t, 1, r.Misses)
		})
	}
	require.InDelta(t, allocs(1000), allocs(20_000), 10)
}

// TestRateOfTheFastest: a reader whose speed times the time of a GET is beyond
// all numbers gets the most there is, not the least.
func TestRateOfTheFastest(t *testing.T) {
	p, err := prefetch.New("rate")
	require.NoError(t, err)
	ahead := 0
	for n := range int64(20) {
		ahead += len(p.Access(prefetch.Access{
			Block: prefetch.Block{Position: n * mib, Size: mib}, Start: n, End: n + 1,
			Hit: n != 5, Late: n == 5, Now: n, GET: math.MaxInt64,
		}, endless(n), nil))
	}
	require.GreaterOrEqual(t, ahead, 64, "64 MiB ahead")
}

// endless shows blocks of 1 MiB behind the n-th.
type endless int64

func (e endless) Next(i int) (prefetch.Block, bool) {
	return prefetch.Block{Position: (int64(e) + int64(i)) * mib, Size: mib}, true
}

func (endless) Around(_, _ int64, dst []prefetch.Block) []prefetch.Block { return dst }

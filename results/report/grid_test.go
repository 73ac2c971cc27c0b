package report

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/results"
)

// timeline has one column, a row at each end of an interval.
func timeline(ends []float64, values []float64) results.Timeline {
	t := results.Timeline{Columns: []string{"x"}}
	for i, at := range ends {
		t.Rows = append(t.Rows, results.Row{T: at, Phase: "run", Values: values[i : i+1]})
	}
	return t
}

// What was counted is in the grid, whatever its steps and wherever intervals
// begin.
func TestRatesKeepTheSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.SliceOfN(rapid.Float64Range(0.01, 3), 1, 40).Draw(t, "lengths")
		step := rapid.IntRange(1, 8).Draw(t, "step")
		var ends, values []float64
		at, sum := 0.0, 0.0
		for i, l := range lengths {
			at += l
			ends, values = append(ends, at), append(values, float64(i+1))
			sum += l * float64(i+1)
		}
		g := grid{Step: step}
		amount := 0.0
		from := 0.0
		for i, to := range ends {
			g.share(from, to, func(at int, seconds float64) {
				require.GreaterOrEqual(t, seconds, 0.0)
				require.LessOrEqual(t, seconds, float64(step)+1e-9)
				amount += values[i] * seconds
			})
			from = to
		}
		require.InEpsilon(t, sum, amount, 1e-9)
	})
}

// A phase that ends just after a second leaves an interval of hundredths, with
// whatever came in it: no rate that anything ran at.
func TestSliversMakeNoSpike(t *testing.T) {
	g := grid{Step: 1}
	vs := g.rates(timeline([]float64{1, 2, 2.04, 3.04, 4.04}, []float64{10, 20, 520, 20, 40}), "x", 5)
	require.Len(t, vs, 5)
	require.InDelta(t, 10, float64(vs[0]), 1e-9)
	require.InDelta(t, 0.04*520+0.96*20, float64(vs[2]), 1e-9)
	require.True(t, math.IsNaN(float64(vs[4])), "of hundredths of a step there is no rate")
	require.Nil(t, g.rates(timeline([]float64{1}, []float64{0}), "x", 1), "nothing ever came")
	require.Nil(t, g.rates(timeline([]float64{1}, []float64{1}), "y", 1), "no such column")
}

// Times in a file may be anything: none of them is worth a panic or an hour.
func TestRatesOfAnyTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ends := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(-1e18, 1e18), rapid.Float64Range(-3, 20)), 0, 10).Draw(t, "ends")
		values := make([]float64, len(ends))
		for i := range values {
			values[i] = 1
		}
		g := grid{Step: rapid.SampledFrom([]int{1, 2, 4}).Draw(t, "step")}
		points := rapid.IntRange(0, 10).Draw(t, "points")
		if vs := g.rates(timeline(ends, values), "x", points); vs != nil {
			require.Len(t, vs, points)
		}
	})
}

func TestCoarser(t *testing.T) {
	nan := num(math.NaN())
	g := grid{Step: 1, Columns: map[string][]num{"p99": {1, 5, nan, nan, 2}, "in": {10, 20, nan, 4, 8}}}
	c := g.coarser(2)
	require.Equal(t, 2, c.Step)
	require.Equal(t, num(5), c.Columns["p99"][0], "the worst second")
	require.Equal(t, num(15), c.Columns["in"][0], "the mean")
	require.True(t, math.IsNaN(float64(c.Columns["p99"][1])))
	require.Equal(t, num(4), c.Columns["in"][1])
	b, err := json.Marshal(c.Columns["p99"])
	require.NoError(t, err)
	require.Equal(t, "[5,null,2]", string(b))
}

// The quoted percentiles are ticks: nobody interpolates what a table says.
func TestTicksHoldTheQuotedPercentiles(t *testing.T) {
	at := ticks()
	for i := 1; i < len(at); i++ {
		require.Less(t, at[i-1], at[i])
	}
	for _, q := range []float64{0, 50, 75, 90, 95, 99, 99.9, 99.99} {
		found := false
		for _, x := range at {
			found = found || math.Abs(100*(1-math.Pow(10, -x))-q) < 1e-9
		}
		require.True(t, found, "%g %%", q)
	}
}

// At each tick a curve has what the histogram says, and it ends with the maximum.
func TestCurve(t *testing.T) {
	h := results.NewHistogram()
	for i := range 10_000 {
		require.NoError(t, h.RecordValue(int64(i+1)*1000))
	}
	c := curveOf(h)
	require.EqualValues(t, 10_000, c.N)
	for i, x := range ticks()[:len(c.Values)-1] {
		require.Equal(t, h.ValueAtPercentile(100*(1-math.Pow(10, -x))), c.Values[i])
	}
	require.Equal(t, h.ValueAtPercentile(100), c.Values[len(c.Values)-1])
	require.InDelta(t, 4, ticks()[len(c.Values)-1], 0.05, "one of ten thousand lies at four nines")
}

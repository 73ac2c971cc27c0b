package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/results/stats"
)

func TestCompare(t *testing.T) {
	a, b := []float64{10, 11, 9, 10.5, 9.5}, []float64{20, 22, 18, 21, 19}
	c := stats.Compare(a, b, 0, 1)
	require.Equal(t, stats.Summary{N: 5, Median: 10, Min: 9, Max: 11}, c.A)
	require.Equal(t, 2.0, c.Ratio)
	require.Less(t, c.Low, 2.0)
	require.Greater(t, c.High, 2.0)
	require.InDelta(t, 0.0079, c.P, 1e-4) // 2 ÷ C(10,5): the sets do not overlap
	require.Greater(t, c.Detectable, 0.05)
	require.Less(t, c.Detectable, 0.5)
	require.False(t, c.Same())
	require.Equal(t, []float64{10, 11, 9, 10.5, 9.5}, a, "not sorted in place")
	require.Equal(t, c, stats.Compare(a, b, 0, 1), "a seed makes it the same again")
}

func TestSame(t *testing.T) {
	a := []float64{100, 102, 98, 101, 99}
	for _, c := range []struct {
		name string
		b    []float64
		aa   float64
		same bool
	}{
		{"equal", a, 0, true},
		{"within the noise", []float64{101, 103, 99, 102, 100}, 0, true},
		{"beyond it", []float64{110, 112, 108, 111, 109}, 0, false},
		{"half", []float64{50, 51, 49, 50.5, 49.5}, 0, false},
		{"within the A/A difference", []float64{110, 112, 108, 111, 109}, 0.2, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := stats.Compare(a, c.b, c.aa, 1)
			require.Equal(t, c.same, got.Same(), "%+v", got)
		})
	}
}

// What does not exist is NaN and never a number that somebody could quote.
func TestWithoutNumbers(t *testing.T) {
	one := stats.Compare([]float64{10}, []float64{20}, 0, 1)
	require.Equal(t, 2.0, one.Ratio)
	require.True(t, math.IsNaN(one.Low) && math.IsNaN(one.High) && math.IsNaN(one.Detectable))
	require.Equal(t, 1.0, one.P)
	require.True(t, one.Same(), "one value each: nothing can be told apart")

	zero := stats.Compare([]float64{0, 0}, []float64{1, 2}, 0, 1)
	require.True(t, math.IsNaN(zero.Ratio))
	require.True(t, math.IsNaN(zero.Difference()))
	require.False(t, zero.Same(), "zero and not zero differ")
	require.True(t, stats.Compare([]float64{0, 0}, []float64{0, 0}, 0, 1).Same())

	_, ok := stats.AADifference(nil, []float64{1})
	require.False(t, ok)
	d, ok := stats.AADifference([]float64{2}, []float64{1})
	require.True(t, ok)
	require.Equal(t, 1.0, d)
}

// The claim of the package, tried out: of pairs of equal arms, about one in
// twenty comes out further apart than the smallest detectable difference: 7 of
// 100, over many seeds.
func TestDetectableHolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	draw := func(n int) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = math.Exp(0.1 * rng.NormFloat64())
		}
		return out
	}
	for _, n := range []int{5, 10} {
		const rounds = 100
		beyond := 0
		for i := range rounds {
			if !stats.Compare(draw(n), draw(n), 0, uint64(i)).Same() {
				beyond++
			}
		}
		require.Less(t, float64(beyond)/rounds, 0.15, "n = %d", n)
	}
}

func TestCompareProperties(t *testing.T) {
	values := rapid.SliceOfN(rapid.Float64Range(0.001, 1e9), 1, 12)
	rapid.Check(t, func(t *rapid.T) {
		a, b := values.Draw(t, "a"), values.Draw(t, "b")
		c, back := stats.Compare(a, b, 0, 3), stats.Compare(b, a, 0, 3)
		require.InDelta(t, 1, c.Ratio*back.Ratio, 1e-9)
		require.GreaterOrEqual(t, c.P, 0.0)
		require.LessOrEqual(t, c.P, 1.0)
		require.InDelta(t, c.P, back.P, 1e-9)
		if !math.IsNaN(c.Low) {
			require.LessOrEqual(t, c.Low, c.Ratio)
			require.GreaterOrEqual(t, c.High, c.Ratio)
			require.GreaterOrEqual(t, c.Detectable, 0.0)
		}
	})
}

// TestNoise: of several pairs the noisiest counts, and what the repeats can tell
// apart is never less than what the arms came to.
func TestNoise(t *testing.T) {
	calm := [2][]float64{{100, 101, 99, 100}, {100, 100, 101, 99}}
	noisy := [2][]float64{{100, 150, 70, 110}, {95, 60, 140, 105}}
	apart := [2][]float64{{100, 100, 100}, {150, 150, 150}}
	aa, least, ok := stats.Noise([][2][]float64{calm, noisy}, 1)
	require.True(t, ok)
	require.InDelta(t, 0.05, aa, 1e-9)
	require.Equal(t, stats.Detectable(noisy[0], noisy[1], 1), least)
	require.Greater(t, least, 0.2)
	again, _, _ := stats.Noise([][2][]float64{noisy, calm}, 1)
	require.Equal(t, aa, again)
	aa, least, ok = stats.Noise([][2][]float64{apart}, 1)
	require.True(t, ok)
	require.InDelta(t, 0.5, aa, 1e-9)
	require.Equal(t, aa, least, "no noise among the repeats, and yet they differ")
	aa, least, ok = stats.Noise([][2][]float64{{{1}, {2}}}, 1)
	require.True(t, ok)
	require.InDelta(t, 1, aa, 1e-9)
	require.True(t, math.IsNaN(least))
	_, _, ok = stats.Noise([][2][]float64{{{0}, {2}}}, 1)
	require.False(t, ok)
	_, _, ok = stats.Noise(nil, 1)
	require.False(t, ok)
}

package results_test

import (
	"math"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/results"
)

// A sparse histogram says what the dense one does, whatever is asked.
func TestSparseIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dense := results.NewHistogram()
		if rapid.Bool().Draw(t, "of another program") {
			dense = hdrhistogram.New(1000, results.HistogramHighest, 2)
		}
		values := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 5000), rapid.Int64Range(0, results.HistogramHighest)), 0, 200)
		for _, v := range values.Draw(t, "values") {
			require.NoError(t, dense.RecordValues(v, rapid.Int64Range(1, 1000).Draw(t, "count")))
		}
		s := results.NewSparse(dense)
		require.Equal(t, dense.TotalCount(), s.TotalCount())
		if s.TotalCount() > 0 { // else the dense one's is the upper end of its first bucket
			require.Equal(t, dense.Max(), s.Max())
		}
		for _, p := range []float64{-1, 0, 1e-9, 1, 50, 90, 99, 99.9, 99.999, 100, 101, math.NaN(), rapid.Float64Range(0, 100).Draw(t, "p")} {
			require.Equal(t, dense.ValueAtPercentile(p), s.ValueAtPercentile(p), "p%v", p)
		}
		again := hdrhistogram.New(dense.LowestTrackableValue(), dense.HighestTrackableValue(), int(dense.SignificantFigures()))
		require.Zero(t, s.AddTo(again))
		require.True(t, dense.Equals(again))
	})
}

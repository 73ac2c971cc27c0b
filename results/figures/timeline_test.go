package figures

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot/plotter"

	"github.com/tidelog/tide/results"
)

// A phase that ends just after a second leaves an interval of hundredths, with
// whatever came in it: no rate that anything ran at.
func TestShortIntervalsAreMerged(t *testing.T) {
	timeline := results.Timeline{Columns: []string{"x"}}
	for _, row := range []struct {
		at, rate float64
		phase    string
	}{
		{0.04, 500, "warm-up"},
		{1, 10, "warm-up"},
		{2, 20, "warm-up"},
		{2.04, 520, "warm-up"},
		{3, 20, "load"},
		{4, 40, "load"},
		{5, 99, ""},
	} {
		timeline.Rows = append(timeline.Rows, results.Row{T: row.at, Phase: row.phase, Values: []float64{row.rate}})
	}
	got := rates(timeline, "x")
	want := plotter.XYs{{X: 0, Y: 29.6}, {X: 1, Y: 29.6}, {X: 2.04, Y: (20 + 0.04*520) / 1.04}, {X: 3, Y: 20}, {X: 4, Y: 40}}
	require.Len(t, got, len(want))
	for i := range want {
		require.InDelta(t, want[i].X, got[i].X, 1e-9)
		require.InDelta(t, want[i].Y, got[i].Y, 1e-9)
	}
}

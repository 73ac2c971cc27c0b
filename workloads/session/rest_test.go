package session

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
)

// TestRest: windows are made of whole intervals, each with its own p99.
func TestRest(t *testing.T) {
	r := rest{every: 2, seen: -1, hist: results.NewHistogram()}
	second := func(ms int64, records int64) {
		h := results.NewHistogram()
		require.NoError(t, h.RecordValues(ms*int64(time.Millisecond), records))
		r.add(h)
	}
	second(50, 10) // what is left of a second when the phase begins
	second(9, 500)
	require.Empty(t, r.p99Us, "half a window is none")
	second(1, 500)
	second(2, 300)
	second(2, 400)
	second(8, 1)
	require.Len(t, r.p99Us, 2)
	require.InDelta(t, 9000, r.p99Us[0], 10)
	require.InDelta(t, 2000, r.p99Us[1], 10)
	require.Equal(t, int64(700), r.fewest)
}

func TestWatchEndsWithItsPhase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trial")
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t, dir, &fake{})
		p99Us, _ := s.Watched()
		require.Nil(t, p99Us)
		s.Begin("warm-up", Unrated)
		s.Watch(2)
		time.Sleep(5500 * time.Millisecond) // the bubble's clock
		p99Us, fewest := s.Watched()
		require.Len(t, p99Us, 2)
		require.Zero(t, fewest)
		s.WarmedUp(results.WarmUp{Asked: 4, P99Us: p99Us})
		s.Begin("run", Rated)
		p99Us, _ = s.Watched()
		require.Nil(t, p99Us)
		require.NoError(t, s.Close())
	})
	trial, err := results.Load(dir)
	require.NoError(t, err)
	require.Equal(t, &results.WarmUp{Asked: 4, P99Us: []float64{0, 0}}, trial.Run.WarmUp)
}

package load

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCurveIsTheArea(t *testing.T) {
	// 0 → 100/s in 10 s, then 100/s: 500 sends in the ramp, the half of them
	// at 10 s ÷ √2.
	c := newCurved(1000, []RatePoint{{0, 0}, {10 * time.Second, 100}})
	require.Equal(t, int64(1000), c.At(0))
	require.InDelta(t, 10e9/math.Sqrt2, c.At(250)-1000, 2)
	require.Equal(t, int64(1000+10*time.Second), c.At(500))
	require.Equal(t, int64(1000+11*time.Second), c.At(600))
	require.Equal(t, int64(500), c.CountBefore(1000+int64(10*time.Second)))
	require.Equal(t, int64(0), c.CountBefore(1000))
	require.Equal(t, int64(1), c.CountBefore(1001))
}

func TestCurveBeforeItsFirstPointAndAfterItsLast(t *testing.T) {
	c := newCurved(0, []RatePoint{{time.Second, 10}, {2 * time.Second, 0}})
	require.Equal(t, int64(100*time.Millisecond), c.At(1), "as at the first point")
	require.Equal(t, int64(15), c.CountBefore(int64(time.Hour)), "ten, and half of ten")
	require.Equal(t, int64(math.MaxInt64), c.At(16))
}

// TestCurveAtConstantRate: a flat curve is the exact schedule, to a nanosecond.
func TestCurveAtConstantRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Schedule{Start: 5, Rate: rapid.Int64Range(1, maxRate).Draw(t, "rate")}
		c := newCurved(5, []RatePoint{{0, s.Rate}})
		i := rapid.Int64Range(0, s.Rate*86400).Draw(t, "i")
		if d := c.At(i) - s.At(i); d < -1 || d > 1 {
			t.Fatalf("send %d is due %d ns off", i, d)
		}
	})
}

func TestCurveCountMatchesTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		points := []RatePoint{{0, rapid.Int64Range(0, 100_000).Draw(t, "first")}}
		for range rapid.IntRange(0, 5).Draw(t, "more") {
			after := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "after"))
			points = append(points, RatePoint{points[len(points)-1].At + after, rapid.Int64Range(0, 100_000).Draw(t, "rate")})
		}
		c := newCurved(77, points)
		at := 77 + rapid.Int64Range(0, int64(6*time.Hour)).Draw(t, "at")
		n := c.CountBefore(at)
		if n > 0 && c.At(n-1) >= at {
			t.Fatalf("send %d is due at %d, not before %d", n-1, c.At(n-1), at)
		}
		if c.At(n) < at {
			t.Fatalf("send %d is due at %d, before %d, and is not counted", n, c.At(n), at)
		}
		if n > 0 && c.At(n) < c.At(n-1) {
			t.Fatalf("send %d is due before %d", n, n-1)
		}
	})
}

// TestDailyCurve: points are times of the day, and the line goes on over
// midnight.
func TestDailyCurve(t *testing.T) {
	c := Curve{Daily: true, Points: []RatePoint{{18 * time.Hour, 300}, {6 * time.Hour, 100}}}
	require.NoError(t, c.validate())
	start := time.Date(2026, 3, 4, 21, 0, 0, 0, time.UTC) // a quarter of the way from 18:00 to 6:00
	points := c.from(start, 24*time.Hour)
	require.Equal(t, []RatePoint{{0, 250}, {9 * time.Hour, 100}, {21 * time.Hour, 300}, {33 * time.Hour, 100}, {45 * time.Hour, 300}}, points)
}

func TestCurveFaults(t *testing.T) {
	for want, c := range map[string]Curve{
		"never above 0":         {Points: []RatePoint{{0, 0}}},
		"not later":             {Points: []RatePoint{{5, 1}, {5, 2}}},
		"below 24h0m0s":         {Daily: true, Points: []RatePoint{{24 * time.Hour, 1}}},
		"two points":            {Daily: true, Points: []RatePoint{{time.Hour, 1}, {time.Hour, 2}}},
		"want 0 to 10000000":    {Points: []RatePoint{{0, maxRate + 1}}},
		"points, want at most ": {Points: make([]RatePoint, maxPoints+1)},
	} {
		require.ErrorContains(t, c.validate(), want)
	}
	require.NoError(t, Curve{}.validate())
}

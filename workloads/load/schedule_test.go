package load

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestScheduleIsExact(t *testing.T) {
	s := Schedule{Start: 1_000, Rate: 3}
	require.Equal(t, int64(1_000), s.At(0))
	require.Equal(t, int64(1_000+333_333_333), s.At(1))
	require.Equal(t, int64(1_000+time.Second), s.At(3))
	// A year at ten million a second: no rounding adds up, nothing overflows.
	long := Schedule{Rate: 10_000_000}
	year := int64(365 * 24 * time.Hour / time.Second)
	require.Equal(t, year*int64(time.Second), long.At(year*long.Rate))
}

func TestScheduleCountMatchesTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Schedule{
			Start: rapid.Int64Range(0, 1<<60).Draw(t, "start"),
			Rate:  rapid.Int64Range(1, 10_000_000).Draw(t, "rate"),
		}
		at := s.Start + rapid.Int64Range(-5, int64(time.Hour)).Draw(t, "after")
		n := s.CountBefore(at)
		if n > 0 && s.At(n-1) >= at {
			t.Fatalf("send %d is due at %d, not before %d", n-1, s.At(n-1), at)
		}
		if s.At(n) < at {
			t.Fatalf("send %d is due at %d, before %d, and is not counted", n, s.At(n), at)
		}
	})
}

func TestPacerNeverReturnsEarly(t *testing.T) {
	c := NewClock()
	p, err := newPacer(c)
	require.NoError(t, err)
	defer p.close()
	for range 20 {
		due := c.Now() + int64(200*time.Microsecond)
		_, err := p.until(t.Context(), due)
		require.NoError(t, err)
		require.GreaterOrEqual(t, c.Now(), due)
	}
}

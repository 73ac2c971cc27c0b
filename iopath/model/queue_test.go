package model

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/iopath"
)

func TestPresets(t *testing.T) {
	require.Equal(t, []string{"gp3-16000", "gp3-3000", "io2", "st1"}, Names())
	for _, name := range Names() {
		require.NoError(t, preset(t, name).Validate())
	}
	_, err := Preset("gp2")
	require.ErrorContains(t, err, "want one of gp3-16000, gp3-3000, io2, st1")
	require.ErrorContains(t, Volume{P50: 2, P99: 1}.Validate(), "at least P50")
	require.Error(t, Volume{IOPS: -1}.Validate())
}

func TestLimit(t *testing.T) {
	v := preset(t, "gp3-3000")
	require.Equal(t, int64(3000), v.Limit(0, 0).IOPS)
	require.Equal(t, int64(3000), v.Limit(5000, 0).IOPS, "a limit does not make a volume faster")
	require.Equal(t, int64(100), v.Limit(100, 0).IOPS)
	require.Equal(t, int64(mib), Volume{}.Limit(0, mib).Rate)
}

// rate drives the volume without pause and returns the I/Os a second.
func rate(v Volume, size, step int64) float64 {
	q, done := NewQueue(v, 1), time.Duration(0)
	const n = 20000
	for i := range int64(n) {
		done = max(done, q.Arrive(0, i*step, size))
	}
	return n / done.Seconds()
}

// TestAccounting: the numbers that AWS states for a saturated gp3 volume, by
// the size of the I/O. 42.7 KiB is where bytes take over from IOPS.
func TestAccounting(t *testing.T) {
	v := preset(t, "gp3-3000")
	for _, c := range []struct {
		size int64
		want float64
	}{{4 * kib, 3000}, {40 * kib, 3000}, {64 * kib, 2000}, {256 * kib, 500}, {mib, 125}} {
		require.InEpsilon(t, c.want, rate(v, c.size, 2*mib), 0.02, "%d", c.size)
	}
	fast := Volume{IOPS: 1000, Unit: 256 * kib}
	require.InEpsilon(t, 1000, rate(fast, 256*kib, mib), 0.01)
	require.InEpsilon(t, 500, rate(fast, 256*kib+1, mib), 0.01, "a byte more is one more I/O")
	require.InEpsilon(t, 250, rate(fast, mib, mib), 0.01)
}

// TestMerging: eight sequential writes of 32 KiB count as one, as AWS has it.
func TestMerging(t *testing.T) {
	v := Volume{IOPS: 1000, Unit: 256 * kib, MergeFrom: 32 * kib}
	require.InEpsilon(t, 8000, rate(v, 32*kib, 32*kib), 0.01)
	require.InEpsilon(t, 1000, rate(v, 32*kib, 64*kib), 0.01, "not sequential")
	require.InEpsilon(t, 1000, rate(v, 16*kib, 16*kib), 0.01, "too small")
}

// TestServiceTimes have the quantiles that the preset states.
func TestServiceTimes(t *testing.T) {
	v := preset(t, "io2")
	v.IOPS, v.Rate, v.Depth = 0, 0, 0
	arrivals := make([]Arrival, 50000)
	p := Simulate(v, 7, Writer{Depth: len(arrivals)}, arrivals[:1])
	require.Equal(t, 1, p.Writes)
	q := NewQueue(v, 7)
	below := [2]int{}
	for i := range arrivals {
		done := q.Arrive(0, int64(i), 1)
		for j, bound := range []time.Duration{v.P50, v.P99} {
			if done <= bound {
				below[j]++
			}
		}
	}
	require.InDelta(t, 0.5, float64(below[0])/50000, 0.01)
	require.InDelta(t, 0.99, float64(below[1])/50000, 0.003)
}

// TestDepth: two places of a constant 1 ms each do two thousand a second.
func TestDepth(t *testing.T) {
	v := Volume{Depth: 2, P50: time.Millisecond, P99: time.Millisecond}
	require.InEpsilon(t, 2000, rate(v, 1, 1), 0.01)
}

// TestQueueKeepsOrderAndRate holds for any volume and any arrivals: service
// never starts before arrival, and the byte bucket never gives more than its
// rate and its burst.
func TestQueueKeepsOrderAndRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := Volume{
			IOPS: rapid.Int64Range(0, 10000).Draw(t, "iops"), Rate: rapid.Int64Range(1, 1<<30).Draw(t, "rate"),
			Depth: rapid.IntRange(0, 4).Draw(t, "depth"), Burst: time.Millisecond,
		}
		q, now, bytes, last := NewQueue(v, 1), time.Duration(0), int64(0), time.Duration(0)
		for range rapid.IntRange(1, 50).Draw(t, "n") {
			now += time.Duration(rapid.Int64Range(0, 1e7).Draw(t, "gap"))
			size := rapid.Int64Range(1, mib).Draw(t, "size")
			done := q.Arrive(now, 0, size)
			require.GreaterOrEqual(t, done, now)
			require.GreaterOrEqual(t, done, last, "without service times, done is in order")
			allowed := float64(v.Rate) * (done + v.Burst).Seconds()
			require.LessOrEqual(t, float64(bytes), allowed+float64(v.Rate)*1e-6, "before this one")
			bytes, last = bytes+size, done
		}
	})
}

// TestNamesOfURL: the WAL URL refuses by a list of its own, since iopath
// imports no path.
func TestNamesOfURL(t *testing.T) { require.Equal(t, Names(), iopath.ModelNames) }

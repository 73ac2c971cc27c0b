package load

import (
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOwnCost(t *testing.T) {
	a := ReadOwn()
	runtime.GC()
	for ReadOwn().CPU == a.CPU {
		runtime.GC() // until the kernel has counted some of it
	}
	g := ReadOwn().Since(a)
	require.Positive(t, g.CPU)
	require.Positive(t, g.GCs)
	require.Positive(t, g.GCPauseMaxUs)
	require.GreaterOrEqual(t, g.SchedMaxUs, g.SchedP99Us)
}

func TestQuantiles(t *testing.T) {
	h := histogram{counts: []uint64{0, 90, 9, 0, 1}, buckets: []float64{math.Inf(-1), 1, 2, 3, 4, math.Inf(1)}}
	require.Equal(t, 2.0, h.quantile(0.5))
	require.Equal(t, 3.0, h.quantile(0.99))
	require.Equal(t, 4.0, h.quantile(1), "what has no upper bound shows its lower one")
	require.Zero(t, histogram{}.quantile(0.5))
	later := histogram{counts: []uint64{0, 91, 9, 0, 1}, buckets: h.buckets}
	require.Equal(t, []uint64{0, 1, 0, 0, 0}, later.since(h).counts)
	require.Equal(t, later.counts, later.since(histogram{}).counts)
}

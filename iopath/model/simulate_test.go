package model

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// steady is n records of a size at a rate.
func steady(n int, size int64, perSecond float64) []Arrival {
	out := make([]Arrival, n)
	for i := range out {
		out[i] = Arrival{At: time.Duration(float64(i) / perSecond * float64(time.Second)), Size: size}
	}
	return out
}

// constant takes 1 ms for anything.
var constant = Volume{Name: "constant", P50: time.Millisecond, P99: time.Millisecond}

// TestSimulateByHand: depth 1, a record each 0.4 ms. The first goes alone and
// takes until 1.0; those of 0.4 and 0.8 go together until 2.0, and so on.
func TestSimulateByHand(t *testing.T) {
	p := Simulate(constant, 1, Writer{Depth: 1, Block: mib}, steady(6, 4096, 2500))
	us := func(n int) time.Duration { return time.Duration(n) * time.Microsecond }
	require.Equal(t, []time.Duration{us(1000), us(1600), us(1200), us(1800), us(1400), us(1000)}, p.Latencies)
	require.Equal(t, 3, p.Writes)
	require.Equal(t, us(3000), p.End)
	require.Equal(t, us(8000)/6, p.Mean)
	require.Equal(t, us(1800), p.Max)
	require.Equal(t, int64(6*4096), p.Bytes)
}

// TestSimulateAcknowledgesInOrder: a write that is done early waits for those
// before it.
func TestSimulateAcknowledgesInOrder(t *testing.T) {
	p := Simulate(Volume{P50: time.Millisecond, P99: 9 * time.Millisecond}, 3, Writer{Depth: 64}, steady(200, 4096, 5000))
	require.Equal(t, 200, p.Writes, "no block: each record by itself")
	acked := time.Duration(0)
	for i, a := range steady(200, 4096, 5000) {
		at := a.At + p.Latencies[i]
		require.GreaterOrEqual(t, at, acked)
		acked = at
	}
}

// TestAutoMQOnEBS is the published case: 4 KiB records at 107 MB/s, depth 8, on
// a gp3 base volume; AutoMQ states an average of 1.0 ms. The figures here are
// what a WAL over the same model is measured against. A writer that paces
// itself by the volume's IOPS beats one that fills the volume's queue.
func TestAutoMQOnEBS(t *testing.T) {
	arrivals := steady(200_000, 4096+57, 107e6/4096)
	run := func(iops int64) Prediction {
		p := Simulate(preset(t, "gp3-3000"), 1, Writer{Depth: 8, Block: mib, IOPS: iops}, arrivals)
		t.Logf("pace %d: mean %v, p50 %v, p99 %v, max %v; %d writes of %d bytes",
			iops, p.Mean, p.P50, p.P99, p.Max, p.Writes, p.Bytes/int64(p.Writes))
		return p
	}
	greedy, paced := run(0), run(3000)
	require.Greater(t, greedy.Bytes/int64(greedy.Writes), int64(32*kib), "3000 IOPS force larger writes")
	require.Less(t, paced.Mean, greedy.Mean)
	require.Equal(t, paced, run(3000), "the same seed gives the same")
}

func TestSimulateNothing(t *testing.T) {
	require.Equal(t, Prediction{Latencies: []time.Duration{}}, Simulate(constant, 1, Writer{}, nil))
}

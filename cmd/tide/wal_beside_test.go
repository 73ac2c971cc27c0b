package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/wal/walbench"
	"github.com/tidelog/tide/iopath"
)

// What fio cannot write exactly it writes larger, never smaller: the ratio is of
// bytes, so that this is not to our favour.
func TestFioBlock(t *testing.T) {
	for mean, want := range map[float64]int64{0: 0, 4096: 4096, 4096.1: 8192, 8192: 8192, 9000: 12288} {
		require.Equal(t, want, fioBlock(walbench.Result{MeanWriteBytes: mean}))
	}
	require.Equal(t, 1, fioDepth(walbench.Result{MeanDepth: 0.2}))
	require.Equal(t, 2, fioDepth(walbench.Result{MeanDepth: 1.5}))
}

// A schedule that was not kept is not simulated, however long it is.
func TestQueueBeside(t *testing.T) {
	spec, err := iopath.ParseURL("mem:?capacity=1GiB&model=gp3-3000&block=8KiB,8KiB")
	require.NoError(t, err)
	r := walbench.Result{RatePerS: 1e12, WarmupS: 1, DurationS: 1, Verdict: walbench.Invalid}
	q, err := besideQueue(spec, r)
	require.NoError(t, err)
	require.Nil(t, q)
	r.Verdict, r.RatePerS, r.RecordBytes, r.PathDepth = walbench.Valid, 20_000, 4096, 32
	small, err := besideQueue(spec, r)
	require.NoError(t, err)
	spec.BlockSoft = 0
	large, err := besideQueue(spec, r)
	require.NoError(t, err)
	require.Greater(t, small.QueueAvgUs, 10*large.QueueAvgUs, "the queue has the log's own block size")
}

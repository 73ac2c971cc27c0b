package workloads

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPhases(t *testing.T) {
	w, err := Parse([]byte(good + "phases:\n  - {at: 1s, do: catch-up, for: 9s, catchUpRateMiB: 20}\n  - {at: 20s, do: kill9, for: 30s}\n"))
	require.NoError(t, err)
	require.Equal(t, []Phase{
		{At: time.Second, Do: "catch-up", For: 9 * time.Second, CatchUpRateMiB: 20},
		{At: 20 * time.Second, Do: "kill9", For: 30 * time.Second},
	}, w.Phases)
	require.True(t, w.CatchesUp())
	require.False(t, w.BreaksStore())
	require.True(t, Workload{Phases: []Phase{{Do: StoreSlow}}}.BreaksStore())
	require.Equal(t, time.Second, Phase{}.Latency())
	w.Phases = w.Phases[1:]
	require.False(t, w.CatchesUp())
}

func TestPhasesRefused(t *testing.T) {
	for phase, want := range map[string]string{
		"{at: 1s, do: nap, for: 1s}":                                 `phase 1 does "nap", want one of catch-up`,
		"{at: 1s, do: kill9}":                                        "lasts for: 0s",
		"{at: 50s, do: kill9, for: 11s}":                             "may end at 1m1s, but testDurationMinutes is 1m0s",
		"{at: 1s, do: kill9, for: 1s, catchUpRateMiB: 3}":            "catchUpRateMiB is for a catch-up",
		"{at: 1s, do: kill9, for: 1s, storeLatency: 1s}":             "storeLatency is for store-slow",
		"{at: 1s, do: store-slow, for: 1s, storeLatency: 1h}":        "storeLatency: 1h0m0s, want more than 0",
		"{at: 1s, do: catch-up, for: 1s, catchUpRateMiB: -1}":        "catchUpRateMiB: -1, want 0",
		"{at: 1s, do: catch-up, for: 1s, catchUpRateMiB: .nan}":      "catchUpRateMiB: NaN, want 0",
		"{at: 5s, do: kill9, for: 1s}, {at: 1s, do: kill9, for: 1s}": "before 6s, when the one before it may end",
	} {
		_, err := Parse([]byte(good + "phases: [" + phase + "]\n"))
		require.ErrorContains(t, err, want, phase)
	}
}

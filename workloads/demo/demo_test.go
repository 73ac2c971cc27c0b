package demo

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/workloads/target"
)

func TestCommitted(t *testing.T) {
	streams := []target.Stream{
		{Topic: "demo", Start: 10, CommittedEnd: 30, End: 99},
		{Topic: "demo", Start: 5, CommittedEnd: 5},
		{Topic: "__consumer_offsets", CommittedEnd: 1000},
	}
	require.Equal(t, int64(20), target.Committed(streams, "demo"))
}

func TestConfig(t *testing.T) {
	require.NoError(t, Config{}.withDefaults().Validate())
	err := Config{Duration: time.Second, WAL: "uring"}.Validate()
	require.ErrorContains(t, err, "duration is 1s")
	require.ErrorContains(t, err, "WAL URL")
	require.Equal(t, 100, warmUpShare+tailShare+catchShare+killShare)
}

// TestWindowsHoldUploads: a produce window holds at least three complete
// uploads, that is threshold ≤ rate × window ÷ 4, at the default duration.
func TestWindowsHoldUploads(t *testing.T) {
	const threshold = 8 << 20
	d := &demo{cfg: Config{}.withDefaults()}
	window := d.share(tailShare).Seconds()
	require.LessOrEqual(t, float64(threshold), float64(rate*valueSize)*window/4)
}

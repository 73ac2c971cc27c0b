package demo

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/workloads/target"
)

// heard is what a judge said.
type heard struct {
	faults []string
	share  float64
}

func (h *heard) Fault(what, _ string)                     { h.faults = append(h.faults, what) }
func (h *heard) Figure(_ string, value float64, _ string) { h.share = value }

func TestColdReads(t *testing.T) {
	for _, c := range []struct {
		cold  coldReads
		share float64
		fault string
	}{
		{coldReads{committed: 1000, fetched: 1000}, 100, ""},
		{coldReads{committed: 1000, fetched: 950}, 95, ""},
		{coldReads{committed: 1000, fetched: 949}, 94.9, "only 949 of 1000"},
		{coldReads{committed: 1000, fetched: 1100}, 100, ""}, // batches straddle the end
		{coldReads{committed: 0, fetched: 0}, 0, "nothing was committed"},
	} {
		var h heard
		c.cold.judge(&h)
		require.InDelta(t, c.share, h.share, 1e-9)
		if c.fault == "" {
			require.Empty(t, h.faults)
			continue
		}
		require.Contains(t, h.faults[0], c.fault)
	}
}

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

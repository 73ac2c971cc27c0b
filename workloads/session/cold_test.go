package session

import (
	"testing"

	"github.com/stretchr/testify/require"
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
		cold  ColdReads
		share float64
		fault string
	}{
		{ColdReads{Committed: 1000, Read: 1200, Fetched: 1000}, 100, ""},
		{ColdReads{Committed: 1000, Read: 1000, Fetched: 950}, 95, ""},
		{ColdReads{Committed: 1000, Read: 1000, Fetched: 949}, 94.9, "only 949 of 1000"},
		{ColdReads{Committed: 1000, Read: 400, Fetched: 390}, 97.5, ""},              // its time was over
		{ColdReads{Committed: 1000, Read: 1000, Fetched: 1100}, 100, ""},             // batches straddle the end
		{ColdReads{Committed: 0, Read: 500, Fetched: 0}, 0, "nothing was committed"}, // all of it in the log cache
		{ColdReads{Committed: 1000, Read: 0, Fetched: 0}, 0, "or nothing read"},      // it did not start
	} {
		var h heard
		c.cold.Judge("catch-up", &h)
		require.InDelta(t, c.share, h.share, 1e-9)
		if c.fault == "" {
			require.Empty(t, h.faults)
			continue
		}
		require.Contains(t, h.faults[0], c.fault)
	}
}

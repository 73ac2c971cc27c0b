package report

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
)

func TestProbeTable(t *testing.T) {
	text := probeTable(&results.Search{Limit: "p99=10ms", LimitNs: 10e6, Probes: []results.Probe{
		{Rate: 1000, ValueNs: 4_200_000, Held: true, Verdict: results.Valid, Trial: "."},
		{Rate: 2000, Void: true},
		{Rate: 2000, Reasons: []string{"the target ended"}},
	}}).Render()
	for _, want := range []string{"p99 ≤ 10ms", "1000", "4.20", "yes", "VALID", "no", "void", "the target ended", "–"} {
		require.Contains(t, text, want)
	}
}

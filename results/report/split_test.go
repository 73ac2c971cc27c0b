package report

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/resultstest"
)

// TestSplitRows: the two sides stand below the response time of their phase.
func TestSplitRows(t *testing.T) {
	dir := t.TempDir()
	resultstest.Write(t, dir)
	trial, err := results.Load(dir)
	require.NoError(t, err)
	during := results.Times{Count: 3000, P50: 2.1e6, P90: 3.4e6, P99: 5.1e6, P999: 6.6e6, Max: 7.5e6}
	trial.Run.Phases[0].Splits = []results.Split{
		{Work: "upload", During: during, Between: results.Times{Count: 7}},
		{Work: "compaction", Between: during},
	}
	rows := latencyRows(trial)
	require.Equal(t, "response", rows[0].Name)
	require.Equal(t, latencyRow{"tail", "… during uploads", 3000, []string{"2.10", "3.40", "5.10", "6.60", "7.50"}}, rows[1])
	require.Equal(t, int64(7), rows[2].Count)
	require.Equal(t, "… without compaction", rows[3].Name, "a side without records is left out")
	require.Equal(t, "end to end", rows[4].Name)
	require.Len(t, rows[1].Values, len(quantiles))
}

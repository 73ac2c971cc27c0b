package report

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
)

// took is a trial of a target that took so much memory.
func took(target, heap, limit string, less float64, verdict string) *results.Trial {
	return &results.Trial{Dir: target + limit, Run: results.Run{
		Workload: "tail", Target: target, Verdict: results.Verdict{Word: verdict},
		Config:  map[string]string{"kafka.jvm.heap": heap, "target.memory": limit},
		Figures: map[string]results.Figure{results.FigureRSSLess: {Value: less, Unit: "MiB"}, results.FigureRSS: {Value: 700, Unit: "MiB"}},
		Phases:  []results.Phase{{Name: "warm-up", End: 2}},
	}}
}

func TestMemoryOfTwo(t *testing.T) {
	trials := []*results.Trial{
		took("kafka?memory=2GiB", "1GiB", "2GiB", 1200, results.Quick),
		took("tide?memory=2GiB", "", "2GiB", 240, results.Quick),
		took("tide", "", "", 300, results.Quick),
		took("kafka", "1GiB", "2GiB", 1200, results.Invalid),
		took("null", "", "2GiB", 60, results.Quick),
		took("tide+small?memory=2GiB", "", "2GiB", 120, results.Quick),
	}
	var out bytes.Buffer
	Summary(&out, trials)
	require.Contains(t, out.String(), "tail: RSS less arenas, tide?memory=2GiB ÷ kafka?memory=2GiB: 0.20 (240 ÷ 1200 MiB, its heap 1GiB included; both within 2GiB)\n")
	require.Contains(t, out.String(), "tide ÷ kafka?memory=2GiB: 0.25 (300 ÷ 1200 MiB, its heap 1GiB included; limits differ: none and 2GiB)\n")
	require.NotContains(t, out.String(), "÷ kafka:", "an INVALID one is compared with nothing")
	require.NotContains(t, out.String(), "null ÷")
	require.Contains(t, out.String(), "tide+small?memory=2GiB ÷ kafka?memory=2GiB: 0.10", "with settings from a file")

	o := NewOverlay()
	for _, trial := range trials {
		o.Add(trial)
	}
	var same bytes.Buffer
	o.Summary(&same)
	require.Equal(t, out.String(), same.String())
}

// TestTrialsWithoutAMeasuredPhase have a row all the same.
func TestTrialsWithoutAMeasuredPhase(t *testing.T) {
	rows := rowsOf(took("kafka", "1GiB", "", 1200, results.Invalid), mergerOf(&results.Trial{}))
	require.Len(t, rows, 1)
	require.Equal(t, row{
		Phase: none, P50: none, P99: none, P999: none, Max: none, E2E99: none, Fetch99: none, In: none, Read: none, CPU: none,
		RSS: "700", Less: "1200", Memory: none, Amplification: none, AmplificationParts: "nothing was written",
	}, rows[0])
}

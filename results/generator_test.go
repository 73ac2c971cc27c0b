package results_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
)

// TestJudgeGenerator: a generator that was late itself for a large part of what
// is quoted has spoilt the trial.
func TestJudgeGenerator(t *testing.T) {
	phase := func(sends int64, own, response float64) results.Phase {
		return results.Phase{Name: "run", RateChecked: true, Scheduled: 10, Acked: 10, Generator: results.Generator{Sends: sends, ErrorP99Us: own, ResponseP99Us: response}}
	}
	for _, c := range []struct {
		p    results.Phase
		want string
	}{
		{phase(5000, 250, 1000), results.Valid},
		{phase(5000, 251, 1000), results.Invalid},
		{phase(5000, 100, 150), results.Valid}, // the floor
		{phase(5000, 101, 150), results.Invalid},
		{phase(999, 900, 1000), results.Valid}, // too few to have a p99
		{results.Phase{Name: "warm-up", Generator: results.Generator{Sends: 5000, ErrorP99Us: 900}}, results.Valid},
	} {
		v := results.Judge(&results.Run{Phases: []results.Phase{c.p}})
		require.Equal(t, c.want, v.Word, "%+v", c.p.Generator)
		if c.want == results.Invalid {
			require.Contains(t, v.Reasons[0].What, "the generator itself was late")
			require.NotEmpty(t, v.Reasons[0].Hint)
		}
	}
}

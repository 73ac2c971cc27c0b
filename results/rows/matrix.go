package rows

import (
	"fmt"
	"regexp"

	"github.com/tidelog/tide/results"
)

// OfMatrix makes a row of each line of trials.jsonl, failed ones too.
func OfMatrix(m *results.MatrixRun) []Row {
	var out []Row
	for _, w := range m.Warnings {
		out = append(out, broken(m.Dir, fmt.Errorf("%s: %s", m.Dir, w)))
	}
	for _, t := range m.Trials {
		out = append(out, ofLine(m, t))
	}
	return out
}

func ofLine(m *results.MatrixRun, t results.CellTrial) Row {
	r := Row{
		Dir: m.Dir, Trial: t.Key(), Matrix: m.Header.Name, Metric: lineName(m.Header.Metric), Cell: t.Cell, Repeat: t.Repeat, AA: t.AA,
		Workload: t.Workload, Target: t.Command, Started: t.Started, Seed: m.Header.Seed,
		Verdict: verdict(m, t), Simulated: t.Simulated, Settings: t.Settings, Env: m.EnvOf(t),
		Values: map[string]float64{}, Figures: map[string]float64{}, Counters: map[string]float64{},
	}
	r.Env.Steal = t.Steal
	r.Durability.Flush, _ = t.Result["durability"].(string)
	r.Warnings = append(r.Warnings, t.Warnings...)
	if t.Error != "" {
		r.Warnings = append(r.Warnings, t.Error)
	}
	for k, v := range t.Result {
		if n, ok := v.(float64); ok {
			r.Values[lineName(k)] = n
		}
	}
	return r
}

// verdict of a line: what its command judged. A line with an error is never
// used.
func verdict(m *results.MatrixRun, t results.CellTrial) string {
	word, _ := t.Result["verdict"].(string)
	switch {
	case t.Error != "" || word == results.Invalid:
		return results.Invalid
	case m.Header.Quick || word == results.Quick:
		return results.Quick
	}
	return results.Valid
}

// percentileKey of a line, such as produce.response.p99, which is in µs.
var percentileKey = regexp.MustCompile(`^[a-z0-9]+\.[a-z]+\.p[0-9]+$`)

// lineName gives a percentile the name that it has in the row of a trial.
func lineName(key string) string {
	if percentileKey.MatchString(key) {
		return Name(key, "us")
	}
	return Name(key)
}

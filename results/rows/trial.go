package rows

import (
	"strings"
	"time"

	"github.com/tidelog/tide/results"
)

// OfTrial makes a row of each phase. A trial without any has one row.
func OfTrial(t *results.Trial) []Row {
	phases := t.Run.Phases
	if len(phases) == 0 {
		phases = []results.Phase{{}}
	}
	var out []Row
	for _, p := range phases {
		r := base(t)
		r.Phase, r.Closed = p.Name, p.Closed
		r.Values = values(t, p)
		for k, v := range p.Counters {
			r.Counters[Name(k)] += float64(v)
		}
		out = append(out, r)
	}
	return out
}

// base is what all rows of a trial share.
func base(t *results.Trial) Row {
	r := Row{
		Dir: t.Dir, Trial: t.Run.ID, Workload: t.Run.Workload, Target: t.Run.Target, Started: t.Run.Started,
		Seed: t.Run.Seed, Verdict: t.Run.Verdict.Word, Durability: t.Run.Durability,
		Simulated: strings.Join(t.Run.Simulated, ", "), Settings: t.Run.Config, Env: t.Env,
		Figures: map[string]float64{}, Counters: map[string]float64{},
	}
	for name, f := range t.Run.Figures {
		r.Figures[Name(name, f.Unit)] = f.Value
	}
	for _, f := range t.Warnings() {
		r.Warnings = append(r.Warnings, f.String())
	}
	for _, f := range t.Run.Verdict.Reasons {
		r.Warnings = append(r.Warnings, t.Run.Verdict.Word+": "+f.String())
	}
	return r
}

func values(t *results.Trial, p results.Phase) map[string]float64 {
	out := map[string]float64{}
	for _, m := range phaseMetrics {
		if v, ok := m.of(p); ok {
			out[m.Name] = v
		}
	}
	for s := range results.SeriesCount {
		addTimes(out, t, s, p.Name)
	}
	addSplits(out, p)
	addGenerator(out, p.Generator)
	return out
}

// addTimes of a series in a phase; none where nothing was recorded.
func addTimes(out map[string]float64, t *results.Trial, s results.Series, phase string) {
	h := t.Merged(s, phase)
	if h.TotalCount() == 0 {
		return
	}
	const us = float64(time.Microsecond)
	stem := Name(s.String())
	out[stem+"_count"] = float64(h.TotalCount())
	out[stem+"_mean_us"] = h.Mean() / us
	for _, q := range quantiles {
		out[stem+"_"+q.name+"_us"] = float64(h.ValueAtPercentile(q.at)) / us
	}
}

package rows

import "github.com/tidelog/tide/results"

// generatorNumbers are of the load's own part in a phase. They say nothing of
// the target, so that nobody compares them.
var generatorNumbers = []struct {
	name string
	of   func(results.Generator) float64
}{
	{"cpu_s", func(g results.Generator) float64 { return g.CPU }},
	{"sends", func(g results.Generator) float64 { return float64(g.Sends) }},
	{"error_p50_us", func(g results.Generator) float64 { return g.ErrorP50Us }},
	{"error_p99_us", func(g results.Generator) float64 { return g.ErrorP99Us }},
	{"error_max_us", func(g results.Generator) float64 { return g.ErrorMaxUs }},
	{"gc_cycles", func(g results.Generator) float64 { return float64(g.GCs) }},
	{"gc_pause_max_us", func(g results.Generator) float64 { return g.GCPauseMaxUs }},
	{"sched_p99_us", func(g results.Generator) float64 { return g.SchedP99Us }},
	{"sched_max_us", func(g results.Generator) float64 { return g.SchedMaxUs }},
}

func generatorMetrics() []Metric {
	var out []Metric
	for _, n := range generatorNumbers {
		out = append(out, Metric{Name: "generator_" + n.name})
	}
	return out
}

// addGenerator adds nothing of a trial in which it was not measured.
func addGenerator(out map[string]float64, g results.Generator) {
	if g == (results.Generator{}) {
		return
	}
	for _, n := range generatorNumbers {
		out["generator_"+n.name] = n.of(g)
	}
}

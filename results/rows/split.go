package rows

import (
	"time"

	"github.com/tidelog/tide/results"
)

// works of the target that response times are kept apart by.
var works = []string{"upload", "compaction"}

// sides of such a split.
var sides = []struct {
	name string
	of   func(results.Split) results.Times
}{
	{"during", func(s results.Split) results.Times { return s.During }},
	{"between", func(s results.Split) results.Times { return s.Between }},
}

// splitTimes of each side.
var splitTimes = []struct {
	name string
	of   func(results.Times) int64 // ns
}{
	{"p50", func(t results.Times) int64 { return t.P50 }},
	{"p90", func(t results.Times) int64 { return t.P90 }},
	{"p99", func(t results.Times) int64 { return t.P99 }},
	{"p999", func(t results.Times) int64 { return t.P999 }},
	{"max", func(t results.Times) int64 { return t.Max }},
}

// splitMetrics are the names that addSplits fills.
func splitMetrics() []Metric {
	var out []Metric
	for _, w := range works {
		out = append(out, Metric{Name: w + "_complete"}, Metric{Name: w + "_share_percent"}, Metric{Name: w + "_unknown"})
		for _, side := range sides {
			out = append(out, Metric{Name: w + "_" + side.name + "_count"})
			for _, q := range splitTimes {
				m := Metric{Name: w + "_" + side.name + "_" + q.name + "_us", Better: Lower}
				if q.name == "p99" {
					m.Main, m.Bench, m.Scale = true, w+"-"+side.name+"-p99-ns", 1000
				}
				out = append(out, m)
			}
		}
	}
	return out
}

// addSplits of a phase: response times of producing during some work of the
// target, and between.
func addSplits(out map[string]float64, p results.Phase) {
	for _, s := range p.Splits {
		stem := Name(s.Work)
		out[stem+"_complete"], out[stem+"_share_percent"] = float64(s.Complete), 100*s.Share
		out[stem+"_unknown"] = float64(s.Unknown)
		for _, side := range sides {
			t := side.of(s)
			out[stem+"_"+side.name+"_count"] = float64(t.Count)
			if t.Count == 0 {
				continue
			}
			for _, q := range splitTimes {
				out[stem+"_"+side.name+"_"+q.name+"_us"] = float64(q.of(t)) / float64(time.Microsecond)
			}
		}
	}
}

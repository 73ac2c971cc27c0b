package rows

import (
	"slices"
	"strings"

	"github.com/tidelog/tide/results"
)

// Directions in which a number is better.
const (
	Lower  = -1
	Higher = 1
)

// Metric is a number that every phase may have.
type Metric struct {
	Name   string // of the column; its unit is last
	Better int    // Lower, Higher, or 0 for neither
	Main   bool   // what a comparison shows
	// Bench is the unit in Go's benchmark format, and Scale what the value is
	// multiplied by for it; "" leaves it out there.
	Bench string
	Scale float64

	of func(results.Phase) (float64, bool) // nil: of a series
}

// quantile of a series.
type quantile struct {
	name string
	at   float64
}

// quantiles of every series; mean and max come beside them.
var quantiles = []quantile{
	{"p50", 50}, {"p75", 75}, {"p90", 90}, {"p95", 95}, {"p99", 99}, {"p999", 99.9}, {"p9999", 99.99}, {"max", 100},
}

const gib = 1 << 30

func count(of func(results.Phase) int64) func(results.Phase) (float64, bool) {
	return func(p results.Phase) (float64, bool) { return float64(of(p)), true }
}

// perSecond leaves out what did not happen in a phase: a rate of 0 there would
// be compared with another.
func perSecond(unit float64, of func(results.Phase) int64) func(results.Phase) (float64, bool) {
	return func(p results.Phase) (float64, bool) {
		n := of(p)
		return p.PerSecond(n) / unit, n > 0 && p.Seconds() > 0
	}
}

// phaseMetrics are made of run.json.
var phaseMetrics = []Metric{
	{Name: "phase_start_s", of: func(p results.Phase) (float64, bool) { return p.Start, true }},
	{Name: "phase_s", of: func(p results.Phase) (float64, bool) { return p.Seconds(), true }},
	{Name: "scheduled", of: count(func(p results.Phase) int64 { return p.Scheduled })},
	{Name: "acked", of: count(func(p results.Phase) int64 { return p.Acked })},
	{Name: "acked_bytes", of: count(func(p results.Phase) int64 { return p.AckedBytes })},
	{Name: "failed", of: count(func(p results.Phase) int64 { return p.Failed })},
	{Name: "consumed", of: count(func(p results.Phase) int64 { return p.Consumed })},
	{Name: "consumed_bytes", of: count(func(p results.Phase) int64 { return p.ConsumedB })},
	{Name: "caught_up", of: count(func(p results.Phase) int64 { return p.CaughtUp })},
	{Name: "caught_up_bytes", of: count(func(p results.Phase) int64 { return p.CaughtUpB })},
	{Name: "acked_per_s", Better: Higher, Main: true, Bench: "acked/s", Scale: 1, of: perSecond(1, func(p results.Phase) int64 { return p.Acked })},
	{Name: "acked_mib_per_s", Better: Higher, Main: true, Bench: "acked-B/s", Scale: 1 << 20, of: perSecond(1<<20, func(p results.Phase) int64 { return p.AckedBytes })},
	{Name: "consumed_mib_per_s", Better: Higher, Main: true, Bench: "consumed-B/s", Scale: 1 << 20, of: perSecond(1<<20, func(p results.Phase) int64 { return p.ConsumedB })},
	{Name: "caught_up_mib_per_s", Better: Higher, Main: true, Bench: "caught-up-B/s", Scale: 1 << 20, of: perSecond(1<<20, func(p results.Phase) int64 { return p.CaughtUpB })},
	{Name: "reached_percent", Better: Higher, of: reached},
	{Name: "puts", of: count(func(p results.Phase) int64 { return p.Puts })},
	{Name: "put_bytes", of: count(func(p results.Phase) int64 { return p.PutBytes })},
	{Name: "gets", of: count(func(p results.Phase) int64 { return p.Gets })},
	{Name: "get_bytes", of: count(func(p results.Phase) int64 { return p.GetBytes })},
	{Name: "target_cpu_s", of: func(p results.Phase) (float64, bool) { return p.CPU, p.CPU > 0 }},
	{Name: "target_cpu_s_per_gib", Better: Lower, Main: true, Bench: "cpu-sec/GiB", Scale: 1, of: cpuPerGiB},
}

// reached is what was acknowledged of what was due.
func reached(p results.Phase) (float64, bool) {
	if p.Closed || p.Scheduled <= 0 {
		return 0, false
	}
	return 100 * float64(p.Acked) / float64(p.Scheduled), true
}

// cpuPerGiB of what was written; of what was read back, in a phase that only
// reads.
func cpuPerGiB(p results.Phase) (float64, bool) {
	bytes := p.AckedBytes
	if bytes == 0 {
		bytes = p.CaughtUpB
	}
	if p.CPU <= 0 || bytes <= 0 {
		return 0, false
	}
	return p.CPU / (float64(bytes) / gib), true
}

// Metrics of every phase, in the order of the columns.
func Metrics() []Metric {
	out := append([]Metric(nil), phaseMetrics...)
	for s := range results.SeriesCount {
		stem := Name(s.String())
		out = append(out, Metric{Name: stem + "_count"}, timeMetric(s, stem, "mean"))
		for _, q := range quantiles {
			out = append(out, timeMetric(s, stem, q.name))
		}
	}
	return slices.Concat(out, splitMetrics(), generatorMetrics())
}

// mainTimes are the ones that a comparison shows.
var mainTimes = map[string]bool{
	"produce_response_p50_us": true, "produce_response_p99_us": true, "produce_response_p999_us": true,
	"e2e_response_p99_us": true, "fetch_response_p50_us": true, "fetch_response_p99_us": true,
}

func timeMetric(s results.Series, stem, q string) Metric {
	name := stem + "_" + q + "_us"
	return Metric{Name: name, Better: Lower, Main: mainTimes[name], Bench: benchUnit(s, q), Scale: 1000}
}

// benchQuantiles are what benchstat is shown: it makes a table of each unit.
var benchQuantiles = map[string]string{"p50": "p50", "p99": "p99", "p999": "p99.9", "max": "max"}

// benchUnit is "p99-ns" for the response time of producing, "e2e-p99-ns" and
// "fetch-p99-ns" for the others; "" for what is not quoted.
func benchUnit(s results.Series, q string) string {
	name, quoted := benchQuantiles[q]
	of, isResponse := strings.CutSuffix(s.String(), ".response")
	switch {
	case !quoted || !isResponse:
		return ""
	case s == results.ProduceResponse:
		return name + "-ns"
	}
	return of + "-" + name + "-ns"
}

package report

import (
	"math"
	"time"

	"github.com/tidelog/tide/results"
)

// grid is a timeline at equal steps from the trial's start, so that any number
// of trials share one axis of time:
//
//	seconds   0    step  2·step
//	          ├─────┼─────┼────
//	p99       │ 1.9 │ 2.3 │ …     of the worst second in the step
//	in        │ 8.0 │ 8.0 │ …     what came in the step ÷ the time measured in it
type grid struct {
	Step    int              `json:"step"` // seconds
	Columns map[string][]num `json:"columns"`
}

// timelineColumns of timeline.csv, by their short name.
var timelineColumns = map[string]string{
	"in": "acked_mib_per_s", "tail": "consumed_mib_per_s", "caught": "caught_up_mib_per_s",
	"put": "put_mib_per_s", "get": "get_mib_per_s", "wal": "wal_mib_per_s",
	"cpu": "target_cpu_cores", "rss": "target_rss_mib",
}

// shortest interval with percentiles of its own: the rest of a second that a
// phase's end cut off holds too few records.
const shortest = 50 * time.Millisecond

// leastCovered is the share of a step that must have been measured: of the
// hundredths at a trial's end there is no rate.
const leastCovered = 0.1

// gridOf a trial has at most maxPoints points.
func gridOf(t *results.Trial, maxPoints int) grid {
	end := 0.0
	for _, p := range t.Run.Phases {
		end = max(end, p.End)
	}
	seconds := int(math.Ceil(min(end, 1e6)))
	g := grid{Step: 1, Columns: map[string][]num{}}
	for (seconds+g.Step-1)/g.Step > maxPoints {
		g.Step *= 2 // so that any two grids have a step in common
	}
	points := (seconds + g.Step - 1) / g.Step
	g.percentiles(t, points)
	for name, column := range timelineColumns {
		if vs := g.rates(t.Timeline, column, points); vs != nil {
			g.Columns[name] = vs
		}
	}
	return g
}

// percentiles of the produce response in each interval of its log, ms.
func (g grid) percentiles(t *results.Trial, points int) {
	p50, p99, most, e2e := gaps(points), gaps(points), gaps(points), gaps(points)
	each := func(s results.Series, fn func(at int, iv results.Interval)) {
		for _, iv := range t.Logs[s] {
			mid := iv.Start.Add(iv.End.Sub(iv.Start) / 2).Sub(t.Run.Started).Seconds()
			if at := int(mid) / g.Step; iv.Phase != "" && iv.End.Sub(iv.Start) >= shortest && mid >= 0 && at < points {
				fn(at, iv)
			}
		}
	}
	each(results.ProduceResponse, func(at int, iv results.Interval) {
		raise(p50, at, iv.Hist.ValueAtPercentile(50))
		raise(p99, at, iv.Hist.ValueAtPercentile(99))
		raise(most, at, iv.Hist.ValueAtPercentile(100))
	})
	each(results.E2EResponse, func(at int, iv results.Interval) { raise(e2e, at, iv.Hist.ValueAtPercentile(99)) })
	for name, vs := range map[string][]num{"p50": p50, "p99": p99, "max": most, "e2e99": e2e} {
		if !empty(vs) {
			g.Columns[name] = vs
		}
	}
}

// raise keeps the worst.
func raise(vs []num, at int, ns int64) {
	if ms := num(float64(ns) / 1e6); math.IsNaN(float64(vs[at])) || ms > vs[at] {
		vs[at] = ms
	}
}

// rates of a column within phases: what follows them, such as reading
// everything back to verify it, is no part of the measurement. The amount of an
// interval is shared out over the steps that it lies in, so the sliver that a
// phase's end cuts off makes no spike. nil: no such column, or all of it zero.
func (g grid) rates(t results.Timeline, column string, points int) []num {
	amount, covered := make([]float64, points), make([]float64, points)
	from, any := 0.0, false
	for r, v := range t.Column(column) {
		row := t.Rows[r]
		to := min(row.T, float64(points*g.Step)) // the file may say anything
		if row.Phase != "" && to > from {
			any = any || v != 0
			g.share(from, to, func(at int, seconds float64) {
				amount[at] += v * seconds
				covered[at] += seconds
			})
		}
		from = max(0, row.T)
	}
	if !any {
		return nil
	}
	out := gaps(points)
	for i := range out {
		if covered[i] > leastCovered*float64(g.Step) {
			out[i] = num(amount[i] / covered[i])
		}
	}
	return out
}

// share calls fn with the seconds of [from, to) that lie in each step.
func (g grid) share(from, to float64, fn func(at int, seconds float64)) {
	step := float64(g.Step)
	for at := int(from / step); float64(at)*step < to; at++ {
		begin, end := max(from, float64(at)*step), min(to, float64(at+1)*step)
		fn(at, end-begin)
	}
}

// coarser has steps of a multiple of this one's; of latencies the worst is kept,
// of all else the mean.
func (g grid) coarser(step int) grid {
	by := step / g.Step
	if by <= 1 {
		return g
	}
	out := grid{Step: step, Columns: map[string][]num{}}
	for name, vs := range g.Columns {
		_, isRate := timelineColumns[name]
		for at := 0; at < len(vs); at += by {
			out.Columns[name] = append(out.Columns[name], combine(vs[at:min(at+by, len(vs))], isRate))
		}
	}
	return out
}

func combine(vs []num, mean bool) num {
	most, sum, n := math.Inf(-1), 0.0, 0
	for _, v := range vs {
		if !math.IsNaN(float64(v)) {
			most, sum, n = max(most, float64(v)), sum+float64(v), n+1
		}
	}
	switch {
	case n == 0:
		return num(math.NaN())
	case mean:
		return num(sum / float64(n))
	}
	return num(most)
}

func gaps(n int) []num {
	out := make([]num, n)
	for i := range out {
		out[i] = num(math.NaN())
	}
	return out
}

func empty(vs []num) bool {
	for _, v := range vs {
		if !math.IsNaN(float64(v)) {
			return false
		}
	}
	return true
}

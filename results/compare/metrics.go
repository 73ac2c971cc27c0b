package compare

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/tidelog/tide/results/rows"
	"github.com/tidelog/tide/results/stats"
)

// pick chooses the map of a row that a metric is in.
type pick func(rows.Row) map[string]float64

func ofPhase(r rows.Row) map[string]float64 { return r.Values }
func ofTrial(r rows.Row) map[string]float64 { return r.Figures }

// metrics of a pair: those of each phase that both have, then the figures of
// the whole trial.
func metrics(p pair, seed uint64) []Metric {
	out := []Metric{}
	inB := p.b.phases()
	for _, phase := range p.a.phases() {
		if !slices.Contains(inB, phase) {
			continue
		}
		a, b := p.inPhase(phase)
		for _, m := range known(a, b) {
			// The times of a closed loop are no latencies, and not to be quoted as some.
			m.Main = m.Main && !(strings.HasSuffix(m.Name, "_us") && closed(a, b))
			out = append(out, p.compare(a, b, phase, m, ofPhase, seed))
		}
	}
	a, b := onceATrial(p.a.usable()), onceATrial(p.b.usable())
	for _, m := range figures(a, b) {
		out = append(out, p.compare(a, b, "", m, ofTrial, seed))
	}
	return out
}

// inPhase are the rows of both sides.
func (p pair) inPhase(phase string) (a, b []rows.Row) {
	other := func(r rows.Row) bool { return r.Phase != phase }
	return slices.DeleteFunc(p.a.usable(), other), slices.DeleteFunc(p.b.usable(), other)
}

func closed(a, b []rows.Row) bool {
	return slices.ContainsFunc(slices.Concat(a, b), func(r rows.Row) bool { return r.Closed })
}

// onceATrial keeps one row of each: all have the same figures.
func onceATrial(from []rows.Row) []rows.Row {
	seen := map[string]bool{}
	return slices.DeleteFunc(from, func(r rows.Row) bool {
		again := seen[r.Dir+"\x00"+r.Trial]
		seen[r.Dir+"\x00"+r.Trial] = true
		return again
	})
}

// known metrics of a phase that say whether something is good and that both
// sides have; of a cell also what its command measured.
func known(a, b []rows.Row) []rows.Metric {
	left := common(a, b, ofPhase)
	maps.DeleteFunc(left, func(name string, _ bool) bool { return constant(samples(a, name, ofPhase), samples(b, name, ofPhase)) })
	var out []rows.Metric
	for _, m := range rows.Metrics() {
		if left[m.Name] && m.Better != 0 {
			out = append(out, m)
		}
		delete(left, m.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		if m, ok := rows.Measure(name); ok {
			out = append(out, m)
		}
	}
	return out
}

// constant is zero on both sides always: it was switched off.
func constant(a, b []float64) bool {
	return !slices.ContainsFunc(slices.Concat(a, b), func(v float64) bool { return v != 0 })
}

// figures that both sides have.
func figures(a, b []rows.Row) []rows.Metric {
	var out []rows.Metric
	for _, name := range slices.Sorted(maps.Keys(common(a, b, ofTrial))) {
		m, ok := rows.Measure(name)
		if !ok {
			m = rows.Metric{Name: name, Main: true}
		}
		out = append(out, m)
	}
	return out
}

// common names of values on both sides.
func common(a, b []rows.Row, from pick) map[string]bool {
	inA, out := map[string]bool{}, map[string]bool{}
	for _, r := range a {
		for k := range from(r) {
			inA[k] = true
		}
	}
	for _, r := range b {
		for k := range from(r) {
			if inA[k] {
				out[k] = true
			}
		}
	}
	return out
}

func samples(of []rows.Row, name string, from pick) []float64 {
	var out []float64
	for _, r := range of {
		if v, ok := from(r)[name]; ok {
			out = append(out, v)
		}
	}
	return out
}

func (p pair) compare(a, b []rows.Row, phase string, m rows.Metric, from pick, seed uint64) Metric {
	c := stats.Compare(samples(a, m.Name, from), samples(b, m.Name, from), p.noise(m.Name, from), seed)
	return Metric{
		Phase: phase, Name: m.Name, Main: m.Main, RepeatsA: c.A.N, RepeatsB: c.B.N,
		A: Number(c.A.Median), B: Number(c.B.Median), Ratio: Number(c.Ratio), Low: Number(c.Low), High: Number(c.High),
		P: Number(c.P), Detectable: Number(c.Detectable), Same: c.Same(), Word: word(c, m.Better),
	}
}

// noise is the larger A/A difference of the two sides; 0 without a pair. That
// of one cell stands for all of its matrix that are of its kind: what a
// simulated device does says nothing of a real one.
func (p pair) noise(name string, from pick) float64 {
	return max(p.sideA.noise(p.a.kind(), name, from), p.sideB.noise(p.b.kind(), name, from))
}

// kind of a group: how an acknowledgement is flushed, and what is simulated.
func (g *group) kind() string { return g.flush + "\x00" + g.simulated }

func (s *side) noise(kind, name string, from pick) float64 {
	key := kind + "\x00" + name
	if d, known := s.aa[key]; known {
		return d
	}
	worst := 0.0
	for i := range s.groups {
		g := &s.groups[i]
		if g.kind() != kind {
			continue
		}
		if d, ok := stats.AADifference(samples(g.usable(), name, from), samples(g.arm, name, from)); ok {
			worst = max(worst, d)
		}
	}
	s.aa[key] = worst
	return worst
}

// word says how B stands to A: ~ for no difference that can be told from noise,
// ? for one where nothing is known of the noise.
func word(c stats.Comparison, better int) string {
	switch {
	case c.A.Median != c.B.Median && math.IsNaN(c.Detectable) && !math.IsNaN(c.Ratio):
		return "?"
	case c.Same():
		return "~"
	case math.IsNaN(c.Ratio) || better == 0:
		return "differs"
	case (c.Ratio > 1) == (better > 0):
		return "better"
	}
	return "worse"
}

package compare

import (
	"fmt"
	"slices"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/stats"
)

// Options of a comparison.
type Options struct {
	// AllowEnvDiff compares across environments; the differences become warnings.
	AllowEnvDiff bool
	// Seed of the bootstrap. Default 1.
	Seed uint64
}

// Dirs compares two directories.
func Dirs(a, b string, opt Options) (*Report, error) {
	if opt.Seed == 0 {
		opt.Seed = 1
	}
	left, err := load(a)
	if err != nil {
		return nil, err
	}
	right, err := load(b)
	if err != nil {
		return nil, err
	}
	if left.groups[0].cell != right.groups[0].cell {
		return nil, fmt.Errorf("%s, %s: %w", a, b, ErrKinds)
	}
	pairs, alone := match(left, right)
	if len(pairs) == 0 {
		return nil, fmt.Errorf("%s and %s have nothing in common: %s", a, b, alone[0])
	}
	env := environments(pairs)
	if len(env) > 0 && !opt.AllowEnvDiff {
		return nil, &Refused{env}
	}
	r := &Report{
		A: left.summary(), B: right.summary(), Environment: append([]Difference{}, env...),
		Seed: opt.Seed, Confidence: stats.Confidence, Warnings: []string{},
	}
	for _, p := range pairs {
		r.Pairs = append(r.Pairs, Pair{p.a.name, p.b.name, configuration(p), metrics(p, opt.Seed)})
	}
	r.judge(pairs)
	r.warn(left, right, pairs, alone)
	return r, nil
}

func (s *side) summary() SideSummary {
	out := SideSummary{Dir: s.dir, Groups: len(s.groups)}
	for _, g := range s.groups {
		out.Repeats += g.repeats()
		out.Invalid += g.invalid
	}
	return out
}

// judge says whether the numbers may be quoted.
func (r *Report) judge(pairs []pair) {
	r.Verdict, r.Quotable = results.Valid, len(r.Environment) == 0
	for _, p := range pairs {
		for _, g := range []*group{p.a, p.b} {
			if g.quick && r.Verdict == results.Valid {
				r.Verdict = results.Quick
			}
			if g.invalid > 0 {
				r.Verdict = results.Invalid
			}
			r.Quotable = r.Quotable && g.repeats() >= wantRepeats
		}
	}
	r.Quotable = r.Quotable && r.Verdict == results.Valid
}

// warn carries along what must be known with the numbers.
func (r *Report) warn(a, b *side, pairs []pair, alone []string) {
	for _, d := range r.Environment {
		r.Warnings = append(r.Warnings, fmt.Sprintf("environment differs: %s: %s against %s", d.Key, d.A, d.B))
	}
	for _, p := range pairs {
		for where, g := range map[string]*group{"A": p.a, "B": p.b} {
			r.Warnings = append(r.Warnings, groupWarnings(where, g)...)
		}
		if x, y := p.a.settings["durability"], p.b.settings["durability"]; x != y {
			r.Warnings = append(r.Warnings, fmt.Sprintf("an acknowledgement does not mean the same on both sides: %s against %s", x, y))
		}
	}
	r.Warnings = append(r.Warnings, alone...)
	for where, s := range map[string]*side{"A": a, "B": b} {
		for _, w := range s.warnings {
			r.Warnings = append(r.Warnings, where+": "+w)
		}
	}
	slices.Sort(r.Warnings)
	r.Warnings = slices.Compact(r.Warnings)
}

func groupWarnings(where string, g *group) []string {
	var out []string
	if n := g.repeats(); n < wantRepeats {
		out = append(out, fmt.Sprintf("%s: %d repeats of %s, want at least %d", where, n, g.name, wantRepeats))
	}
	if g.invalid > 0 {
		out = append(out, fmt.Sprintf("%s: %d INVALID trials of %s are left out: repeat them", where, g.invalid, g.name))
	}
	if g.simulated != "" {
		out = append(out, fmt.Sprintf("%s: simulated (%s): %s", where, g.simulated, g.name))
	}
	return out
}

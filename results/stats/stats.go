package stats

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// Confidence of intervals and of what is called detectable.
const Confidence = 0.95

// MinRepeats of each side below which a result is no more than a hint: with
// fewer, Mann-Whitney's p cannot come below 0.05.
const MinRepeats = 4

// Comparison of two sets of repeats. Numbers that do not exist are NaN: a
// ratio to zero, an interval of one value.
type Comparison struct {
	A, B       Summary
	Ratio      float64 // median of B ÷ median of A
	Low, High  float64 // 95 % interval of the ratio
	P          float64 // Mann-Whitney, two-sided; 1 when the test cannot be made
	Detectable float64 // smallest detectable difference, as a share: 0.05 is 5 %
}

// Summary of one set.
type Summary struct {
	N                int
	Median, Min, Max float64
}

// Summarize wants at least one value and leaves the slice as it is.
func Summarize(values []float64) Summary {
	vs := slices.Sorted(slices.Values(values))
	return Summary{N: len(vs), Median: median(vs), Min: vs[0], Max: vs[len(vs)-1]}
}

// Compare two sets of at least one value each. Equal seeds give equal results.
// aa is the difference that an A/A pair came to, as a share, or 0.
func Compare(a, b []float64, aa float64, seed uint64) Comparison {
	c := Comparison{A: Summarize(a), B: Summarize(b), P: mannWhitney(a, b)}
	c.Ratio = ratio(c.B.Median, c.A.Median)
	c.Low, c.High = ratioInterval(a, b, seed)
	c.Detectable = Detectable(a, b, seed)
	if aa > 0 { // a NaN stays one: a single pair says little of the noise
		c.Detectable = math.Max(c.Detectable, aa)
	}
	return c
}

// Difference is how far the ratio is from one, the same for a half and a
// double: 1.
func (c Comparison) Difference() float64 {
	if !(c.Ratio > 0) {
		return math.NaN()
	}
	return max(c.Ratio, 1/c.Ratio) - 1
}

// Same says that the sets differ by less than can be told apart here: the
// interval holds 1, or the smallest detectable difference is larger. Where
// nothing is known of the noise nothing can be told apart.
func (c Comparison) Same() bool {
	if c.A.Median == c.B.Median || c.Low <= 1 && c.High >= 1 {
		return true
	}
	d := c.Difference()
	return !math.IsNaN(d) && !(d >= c.Detectable)
}

// AADifference of the two arms of an A/A pair, as a share; false without values
// on both sides, or with a median that is no positive number.
func AADifference(a, b []float64) (float64, bool) {
	if len(a) == 0 || len(b) == 0 {
		return 0, false
	}
	c := Comparison{Ratio: ratio(Summarize(b).Median, Summarize(a).Median)}
	d := c.Difference()
	return d, !math.IsNaN(d)
}

// Noise of A/A pairs: how far the arms of one came apart, of several the furthest,
// and the smallest difference that the repeats of such arms can tell apart, both as
// shares. The latter is never less than the former, and NaN where no arm was
// repeated; of very many pairs the first ones have to do. False without a pair.
func Noise(pairs [][2][]float64, seed uint64) (aa, detectable float64, ok bool) {
	detectable = math.NaN()
	const drawn = 16 // pairs
	for i, pair := range pairs {
		d, has := AADifference(pair[0], pair[1])
		if !has {
			continue
		}
		aa, ok = max(aa, d), true
		if i >= drawn {
			continue
		}
		if v := Detectable(pair[0], pair[1], seed); !(v <= detectable) && !math.IsNaN(v) {
			detectable = v
		}
	}
	if aa > detectable { // a NaN stays one
		detectable = aa
	}
	return aa, detectable, ok
}

// mannWhitney is golang.org/x/perf's, which sorts what it is given. For sets of
// different sizes with ties its exact p depends on which set comes first, and
// can be above 1; the larger of the two is the careful one.
func mannWhitney(a, b []float64) float64 {
	limits := benchmath.DefaultThresholds
	sample := func(vs []float64) *benchmath.Sample { return benchmath.NewSample(slices.Clone(vs), &limits) }
	test := benchmath.AssumeNothing
	return min(1, max(test.Compare(sample(a), sample(b)).P, test.Compare(sample(b), sample(a)).P))
}

func ratio(b, a float64) float64 {
	if a == 0 || a < 0 != (b < 0) && b != 0 {
		return math.NaN()
	}
	return b / a
}

// median of sorted values, at least one.
func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

package stats

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Draws of each bootstrap: enough that another seed moves the ends of an
// interval by little, few enough for a matrix of a thousand cells.
const Draws = 4_000

// stream tells the two uses of one seed apart.
const (
	streamInterval = iota
	streamDetectable
)

// ratioInterval is the 95 % interval of the ratio of medians; NaN where either
// side has one value, which drawn again is always the same.
func ratioInterval(a, b []float64, seed uint64) (low, high float64) {
	if len(a) < 2 || len(b) < 2 {
		return math.NaN(), math.NaN()
	}
	rng := rand.New(rand.NewPCG(seed, streamInterval))
	ratios := make([]float64, 0, Draws)
	left, right := make([]float64, len(a)), make([]float64, len(b))
	for range Draws {
		r := ratio(drawnMedian(rng, b, right), drawnMedian(rng, a, left))
		if !math.IsNaN(r) {
			ratios = append(ratios, r)
		}
	}
	if len(ratios) < Draws { // some drawn set had no ratio: neither has the interval an end
		return math.NaN(), math.NaN()
	}
	slices.Sort(ratios)
	return quantile(ratios, (1-Confidence)/2), quantile(ratios, (1+Confidence)/2)
}

// Detectable is the smallest difference between two sets of these sizes, as a
// share, that their own noise does not explain: see the package. NaN where
// either side has one value, or values that are not positive.
func Detectable(a, b []float64, seed uint64) float64 {
	if len(a) < 2 || len(b) < 2 {
		return math.NaN()
	}
	noise := append(residuals(a), residuals(b)...)
	if slices.ContainsFunc(noise, func(r float64) bool { return math.IsNaN(r) || math.IsInf(r, 0) }) {
		return math.NaN()
	}
	rng := rand.New(rand.NewPCG(seed, streamDetectable))
	apart := make([]float64, Draws)
	left, right := make([]float64, len(a)), make([]float64, len(b))
	for i := range apart {
		apart[i] = math.Abs(drawnMedian(rng, noise, left) - drawnMedian(rng, noise, right))
	}
	slices.Sort(apart)
	return math.Exp(quantile(apart, Confidence)) - 1
}

// residuals of the logarithms about the median, widened for the few values
// that the median itself is made of.
func residuals(values []float64) []float64 {
	logs := make([]float64, len(values))
	for i, v := range values {
		logs[i] = math.Log(v)
	}
	slices.Sort(logs)
	center, n := median(logs), float64(len(logs))
	for i := range logs {
		logs[i] = (logs[i] - center) * math.Sqrt(n/(n-1))
	}
	return logs
}

// drawnMedian fills into with values drawn with replacement and takes their
// median.
func drawnMedian(rng *rand.Rand, from, into []float64) float64 {
	for i := range into {
		into[i] = from[rng.IntN(len(from))]
	}
	slices.Sort(into)
	return median(into)
}

// quantile of sorted values by linear interpolation.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

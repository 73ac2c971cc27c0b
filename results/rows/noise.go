package rows

import "github.com/tidelog/tide/results/stats"

// Noise is what a matrix knows of its machine: how far the two equal arms of
// its A/A pair came apart in a number, and the smallest difference between two
// cells that the repeats can tell apart, both as shares. False without a pair
// of which both arms have the number.
func Noise(matrix []Row, name string) (aa, detectable float64, ok bool) {
	arm := samplesOf(matrix, name, func(r Row) bool { return r.AA })
	cell := ""
	for _, r := range matrix {
		if r.AA {
			cell = r.Cell
		}
	}
	base := samplesOf(matrix, name, func(r Row) bool { return !r.AA && r.Cell == cell })
	aa, ok = stats.AADifference(base, arm)
	if !ok {
		return 0, 0, false
	}
	return aa, stats.Compare(base, arm, aa, 1).Detectable, true
}

func samplesOf(from []Row, name string, which func(Row) bool) []float64 {
	var out []float64
	for _, r := range from {
		if v, has := r.Values[name]; has && r.Usable() && which(r) {
			out = append(out, v)
		}
	}
	return out
}

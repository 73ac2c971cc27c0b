package rows

import (
	"slices"

	"github.com/tidelog/tide/results/stats"
)

// Noise is what a matrix knows of its machine: how far the two equal arms of
// its A/A pairs came apart in a number, of several pairs the furthest, and the
// smallest difference between two cells that the repeats can tell apart, both as
// shares. False without a pair of which both arms have the number.
func Noise(matrix []Row, name string) (aa, detectable float64, ok bool) {
	var seed uint64
	var cells []string
	arms := map[string]*[2][]float64{}
	for _, r := range matrix {
		v, has := r.Values[name]
		if !has || !r.Usable() {
			continue
		}
		seed = r.Seed
		if arms[r.Cell] == nil {
			arms[r.Cell], cells = &[2][]float64{}, append(cells, r.Cell)
		}
		arm := 0
		if r.AA {
			arm = 1
		}
		arms[r.Cell][arm] = append(arms[r.Cell][arm], v)
	}
	slices.Sort(cells) // as results.MatrixRun has them
	var pairs [][2][]float64
	for _, cell := range cells {
		pairs = append(pairs, *arms[cell])
	}
	return stats.Noise(pairs, seed)
}

package bench

import "math"

// Bounds of a rate, records a second.
const (
	minRate     = 1
	maxRate     = 10_000_000
	defaultRate = 10_000 // OpenMessaging Benchmark begins there too
)

// bisection looks for the highest rate that holds: it doubles or halves until it
// has one that does and one that does not, then tries the middle, by ratio.
type bisection struct {
	first     int64
	precision float64
	held      int64 // the highest that did; 0: none yet
	failed    int64 // the lowest that did not; 0: none yet
}

// next is the rate to try; ok is false when there is nothing left to find out.
func (b *bisection) next() (rate int64, ok bool) {
	switch {
	case b.held == 0 && b.failed == 0:
		return b.first, true
	case b.failed == 0:
		return min(2*b.held, maxRate), b.held < maxRate
	case b.held == 0:
		return max(b.failed/2, minRate), b.failed > minRate
	}
	if float64(b.failed) <= float64(b.held)*(1+b.precision) {
		return 0, false
	}
	rate = int64(math.Sqrt(float64(b.held) * float64(b.failed)))
	return rate, rate > b.held && rate < b.failed
}

// tell it what came of a rate.
func (b *bisection) tell(rate int64, held bool) {
	if held {
		b.held = max(b.held, rate)
		return
	}
	b.failed = rate
}

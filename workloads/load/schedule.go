package load

import (
	"math/bits"
	"time"
)

// Schedule is the fixed plan of an open-loop load: send i is due at Start +
// i ÷ Rate. It is a value without state, so nothing can re-base it.
type Schedule struct {
	Start int64 // ns since the epoch
	Rate  int64 // sends a second, all producers together; > 0
}

// At is the intended time of send i, ns since the epoch.
func (s Schedule) At(i int64) int64 {
	// i × 10⁹ leaves 63 bits after nine thousand million sends, so the product
	// is taken in 128 bits; rounding never accumulates.
	hi, lo := bits.Mul64(uint64(i), uint64(time.Second))
	q, _ := bits.Div64(hi, lo, uint64(s.Rate))
	return s.Start + int64(q)
}

// CountBefore is the number of sends that are due before t.
func (s Schedule) CountBefore(t int64) int64 {
	if t <= s.Start {
		return 0
	}
	// ⌊i × 10⁹ ÷ Rate⌋ < d exactly when i < d × Rate ÷ 10⁹, so round up.
	hi, lo := bits.Mul64(uint64(t-s.Start), uint64(s.Rate))
	q, r := bits.Div64(hi, lo, uint64(time.Second))
	if r > 0 {
		q++
	}
	return int64(q)
}

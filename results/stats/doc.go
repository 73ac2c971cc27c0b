// Package stats compares two sets of repeats of one number.
//
//	A: a₁ … aₙ ─┐            ┌─ ratio of medians  med(B) ÷ med(A)
//	            ├─ Compare ──┼─ 95 % interval of it, by bootstrap with a seed
//	B: b₁ … bₘ ─┘            ├─ p of Mann-Whitney's U test
//	                         └─ smallest detectable difference
//
// Nothing is assumed of the distribution: latencies have long tails, and the
// few repeats that a benchmark can afford do not show which. Medians and ranks
// do not care.
//
// # Interval
//
// Both sets are drawn again with replacement, [Draws] times, and the ratio of
// their medians is taken each time; the interval lies between the 2.5 % and the
// 97.5 % quantile of those ratios (Efron's percentile bootstrap).
//
// # Smallest detectable difference
//
// How far do two arms of one and the same configuration come apart by chance?
// Each value is divided by the median of its own set, which leaves the noise
// alone; in logarithms that is
//
//	r = (ln x − ln med) · √(n ÷ (n−1))
//
// where the factor undoes that n values lie closer to their own median than to
// the true one. Two arms of n and m values are drawn from all r together; the
// smallest detectable difference is what the difference of their medians stays
// below in 95 of 100 draws:
//
//	d = exp(q₀.₉₅ |med(r*ₙ) − med(r*ₘ)|) − 1
//
// A difference is called one when it is as large as that and the interval leaves
// 1 out. d is never less than the difference of an A/A pair that was measured. With
// one value on either side nothing is known of the noise, and there is none.
package stats

package results

import "github.com/HdrHistogram/hdrhistogram-go"

// Sparse is a histogram to read from: its buckets that are not empty. A dense
// one with our bounds takes 280 KB however few values it has, and a trial of ten
// minutes has some 4,000 intervals.
type Sparse struct {
	buckets []bucket // ascending
	total   int64
}

// bucket of an HdrHistogram: values from low to high cannot be told apart.
type bucket struct{ low, high, count int64 }

// halfBits of the sub-buckets of a histogram with three digits: 2048 below the
// first doubling, and half as many for each further one.
const halfBits = 10

// NewSparse keeps nothing of the histogram itself.
func NewSparse(h *hdrhistogram.Histogram) *Sparse {
	s := &Sparse{total: h.TotalCount()}
	if h.LowestTrackableValue() != HistogramLowest || h.SignificantFigures() != HistogramDigits {
		for _, b := range h.Distribution() { // of another program; slow, as it lists empty ones too
			if b.Count > 0 {
				s.buckets = append(s.buckets, bucket{b.From, b.To, b.Count})
			}
		}
		return s
	}
	counts := h.Export().Counts
	filled := len(counts)
	for _, n := range counts {
		if n == 0 {
			filled--
		}
	}
	s.buckets = make([]bucket, 0, filled)
	for i, n := range counts {
		if n > 0 {
			low, width := bucketAt(int64(i))
			s.buckets = append(s.buckets, bucket{low, low + width - 1, n})
		}
	}
	return s
}

// bucketAt is HdrHistogram's arithmetic for our lowest value and digits.
func bucketAt(index int64) (low, width int64) {
	doubling := max(index>>halfBits-1, 0)
	sub := index - doubling<<halfBits
	return sub << doubling, 1 << doubling
}

// TotalCount of values.
func (s *Sparse) TotalCount() int64 { return s.total }

// Max is the largest value that the last bucket stands for; 0 when empty.
func (s *Sparse) Max() int64 {
	if len(s.buckets) == 0 {
		return 0
	}
	return s.buckets[len(s.buckets)-1].high
}

// ValueAtPercentile is what the dense histogram says, by its rule: the upper end
// of the bucket in which the rank falls, and for 0 the lower end of the first.
func (s *Sparse) ValueAtPercentile(percentile float64) int64 {
	if s.total == 0 {
		return 0
	}
	percentile = min(max(percentile, 0), 100)
	rank := int64(1)
	if r := percentile/100*float64(s.total) + 0.5; r >= float64(s.total) {
		rank = s.total
	} else if r >= 1 {
		rank = int64(r)
	}
	if percentile == 0 {
		return s.buckets[0].low
	}
	for _, b := range s.buckets {
		if rank -= b.count; rank <= 0 {
			return b.high
		}
	}
	return s.Max()
}

// AddTo merges it into a dense histogram and returns how many values had no
// place there.
func (s *Sparse) AddTo(sum *hdrhistogram.Histogram) (dropped int64) {
	for _, b := range s.buckets {
		if sum.RecordValues(b.low, b.count) != nil {
			dropped += b.count
		}
	}
	return dropped
}

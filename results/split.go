package results

import "github.com/HdrHistogram/hdrhistogram-go"

// MinQuotable is how many records a p99 wants: ten of them lie beyond it.
const MinQuotable = 1000

// Split is the response time of producing in one phase, kept apart by whether
// the target did some work in the background at the same time.
type Split struct {
	Work     string  `json:"work"`     // upload or compaction
	Complete int64   `json:"complete"` // pieces of it that began and ended within the phase
	Share    float64 `json:"share"`    // of the phase's time during which any went on, 0 to 1
	During   Times   `json:"during"`   // records that some of it overlapped, from their intended time to their acknowledgement
	Between  Times   `json:"between"`  // all others
	Unknown  int64   `json:"unknown"`  // records for which the target could not be asked
}

// Quotable says whether both sides have enough records for their p99.
func (s Split) Quotable() bool {
	return s.During.Count >= MinQuotable && s.Between.Count >= MinQuotable
}

// Times are percentiles of one histogram, in ns.
type Times struct {
	Count int64 `json:"count"`
	P50   int64 `json:"p50_ns"`
	P90   int64 `json:"p90_ns"`
	P99   int64 `json:"p99_ns"`
	P999  int64 `json:"p999_ns"`
	Max   int64 `json:"max_ns"`
}

// TimesOf reads them off; all zero for an empty histogram.
func TimesOf(h *hdrhistogram.Histogram) Times {
	if h.TotalCount() == 0 {
		return Times{}
	}
	at := h.ValueAtPercentile
	return Times{Count: h.TotalCount(), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: h.Max()}
}

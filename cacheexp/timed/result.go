package timed

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tidelog/tide/internal/storetime"
)

// Result of a replay.
type Result struct {
	Requests, Misses   int64 // misses began a GET; a block on its way is none
	Bytes, MissedBytes int64 // of these
	GETs, Fetched      int64 // and the bytes they brought
	Throttled          int64 // answers 503; such a request is made again

	Prefetched int64         // blocks whose load began before anybody asked for them
	Used       int64         // of these, asked for before they left
	Late       int64         // of these, asked for while they were on their way
	LateWait   time.Duration // by these readers, together
	Wasted     int64         // prefetched blocks that left unread
	Dropped    int64         // proposals that found no room

	// By the shadow cache, which has no prefetcher; 0 where this one has none.
	MissesAlone int64 // of the shadow
	Covered     int64 // of these, hits here
	Polluted    int64 // hits of the shadow that are misses here

	Stalled time.Duration // that the trace waited for readers that fell behind
	Took    time.Duration // virtual, from the first access to the last byte

	waits *hdrhistogram.Histogram // of every access, ns
	price storetime.Price
}

const (
	mostWait   = int64(time.Hour)
	waitDigits = 3
)

func newResult(cfg Config) Result {
	return Result{waits: hdrhistogram.New(1, mostWait, waitDigits), price: cfg.Service.Price}
}

func (r *Result) took(ns int64) {
	_ = r.waits.RecordValue(min(ns, mostWait)) // it is within the bounds
}

// Figures are a result in the columns of `tide cache sim`.
type Figures struct {
	Accuracy   float64 `json:"accuracy"`     // blocks read ahead that were used ÷ all of them
	Coverage   float64 `json:"coverage"`     // misses without the prefetcher that are hits with it ÷ the former
	Late       float64 `json:"late"`         // used blocks that had to be waited for ÷ used ones
	LateWait   float64 `json:"late_wait_us"` // mean wait for a block on its way, µs
	Pollution  float64 `json:"pollution"`    // requests that miss and would hit without the prefetcher ÷ requests
	OverRead   float64 `json:"over_read"`    // bytes got ÷ bytes served
	GETsPerMiB float64 `json:"gets_per_mib"` // of what was served
	USDPerGiB  float64 `json:"usd_per_gib"`  // of what was served
	P50        float64 `json:"p50_us"`       // of readers' accesses, hits included, µs
	P99        float64 `json:"p99_us"`
}

// Figures works them out.
func (r *Result) Figures() Figures {
	us := func(ns int64) float64 { return float64(ns) / float64(time.Microsecond) }
	return Figures{
		Accuracy:   ratio(r.Used, r.Prefetched),
		Coverage:   ratio(r.Covered, r.MissesAlone),
		Late:       ratio(r.Late, r.Used),
		LateWait:   ratio(int64(r.LateWait), r.Late) / float64(time.Microsecond),
		Pollution:  ratio(r.Polluted, r.Requests),
		OverRead:   ratio(r.Fetched, r.Bytes),
		GETsPerMiB: ratio(r.GETs, r.Bytes) * (1 << 20),
		USDPerGiB:  safe(r.price.USD(r.GETs, r.Fetched), float64(r.Bytes)) * (1 << 30),
		P50:        us(r.waits.ValueAtQuantile(50)),
		P99:        us(r.waits.ValueAtQuantile(99)),
	}
}

// MissRatio is misses ÷ requests.
func (r *Result) MissRatio() float64 { return ratio(r.Misses, r.Requests) }

// ByteMissRatio is the same of bytes.
func (r *Result) ByteMissRatio() float64 { return ratio(r.MissedBytes, r.Bytes) }

func ratio(part, whole int64) float64 { return safe(float64(part), float64(whole)) }

func safe(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return part / whole
}

// stalled notes that the trace has to wait for the next event.
func (m *sim) stalled(is bool, from int64) {
	if is {
		m.n.Stalled += time.Duration(m.events[0].at - from)
	}
}

func (m *sim) finish() *Result {
	m.n.Took = time.Duration(m.now)
	return &m.n
}

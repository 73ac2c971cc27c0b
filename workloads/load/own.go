package load

import (
	"math"
	"runtime/metrics"
	"time"

	"github.com/tidelog/tide/results"
)

// Own is what this process has cost and suffered since it began.
type Own struct {
	CPU    time.Duration // user and system; 0 where it is not known
	GCs    uint64
	pauses histogram // for the collector, s
	waits  histogram // of goroutines that are ready, s
}

// histogram is a copy of one of the runtime's.
type histogram struct {
	counts  []uint64
	buckets []float64 // bounds: one more than counts
}

// ReadOwn takes some 20 µs.
func ReadOwn() Own {
	samples := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/sched/pauses/total/gc:seconds"}, {Name: "/sched/latencies:seconds"},
	}
	metrics.Read(samples)
	o := Own{CPU: OwnCPU()}
	if samples[0].Value.Kind() == metrics.KindUint64 {
		o.GCs = samples[0].Value.Uint64()
	}
	o.pauses, o.waits = copied(samples[1].Value), copied(samples[2].Value)
	return o
}

// copied is empty for a runtime that has no such metric.
func copied(v metrics.Value) histogram {
	if v.Kind() != metrics.KindFloat64Histogram {
		return histogram{}
	}
	h := v.Float64Histogram()
	return histogram{append([]uint64(nil), h.Counts...), h.Buckets}
}

// Since an earlier reading, as it stands in run.json. The errors are not in it.
func (o Own) Since(a Own) results.Generator {
	pauses, waits := o.pauses.since(a.pauses), o.waits.since(a.waits)
	return results.Generator{
		CPU: (o.CPU - a.CPU).Seconds(), GCs: int64(o.GCs - a.GCs),
		GCPauseMaxUs: pauses.quantile(1) * 1e6, SchedP99Us: waits.quantile(0.99) * 1e6, SchedMaxUs: waits.quantile(1) * 1e6,
	}
}

func (h histogram) since(a histogram) histogram {
	out := histogram{append([]uint64(nil), h.counts...), h.buckets}
	for i := range min(len(out.counts), len(a.counts)) {
		out.counts[i] -= a.counts[i]
	}
	return out
}

// quantile is the upper bound of the bucket that holds it; 0 for nothing.
func (h histogram) quantile(q float64) float64 {
	var total, seen uint64
	for _, n := range h.counts {
		total += n
	}
	if total == 0 {
		return 0
	}
	want := uint64(math.Ceil(q * float64(total)))
	for i, n := range h.counts {
		if seen += n; seen >= want && n > 0 {
			if high := h.buckets[i+1]; !math.IsInf(high, 0) {
				return high
			}
			return h.buckets[i]
		}
	}
	return 0
}

package omb

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// ms of ns.
func ms(ns float64) float64 { return ns / 1e6 }

// µs of ns, whole ones as OMB records them: it cuts what is below.
func us(ns int64) int64 { return ns / 1000 }

func (r *Result) addRates(w window) {
	rate := func(n int64) float64 { return float64(n) / w.seconds }
	r.PublishRate = append(r.PublishRate, rate(w.acked))
	r.PublishErrorRate = append(r.PublishErrorRate, rate(w.failed))
	r.ConsumeRate = append(r.ConsumeRate, rate(w.received))
	r.Backlog = append(r.Backlog, w.backlog)
}

func (r *Result) addTimes(w window) {
	p, d, e := inMs(w.hist.publish), inUs(w.hist.delay), inMs(w.hist.e2e)
	add(&r.PublishLatencyAvg, p.avg)
	add(&r.PublishLatency50pct, p.p50)
	add(&r.PublishLatency75pct, p.p75)
	add(&r.PublishLatency95pct, p.p95)
	add(&r.PublishLatency99pct, p.p99)
	add(&r.PublishLatency999pct, p.p999)
	add(&r.PublishLatency9999pct, p.p9999)
	add(&r.PublishLatencyMax, p.max)
	add(&r.PublishDelayLatencyAvg, d.avg)
	add(&r.PublishDelayLatency50pct, d.p50)
	add(&r.PublishDelayLatency75pct, d.p75)
	add(&r.PublishDelayLatency95pct, d.p95)
	add(&r.PublishDelayLatency99pct, d.p99)
	add(&r.PublishDelayLatency999pct, d.p999)
	add(&r.PublishDelayLatency9999pct, d.p9999)
	add(&r.PublishDelayLatencyMax, d.max)
	add(&r.EndToEndLatencyAvg, e.avg)
	add(&r.EndToEndLatency50pct, e.p50)
	add(&r.EndToEndLatency75pct, e.p75)
	add(&r.EndToEndLatency95pct, e.p95)
	add(&r.EndToEndLatency99pct, e.p99)
	add(&r.EndToEndLatency999pct, e.p999)
	add(&r.EndToEndLatency9999pct, e.p9999)
	add(&r.EndToEndLatencyMax, e.max)
}

// list is written as [] when it is empty, and not as null.
type list[T any] []T

// MarshalJSON writes an array.
func (l list[T]) MarshalJSON() ([]byte, error) { return json.Marshal(append([]T{}, l...)) }

func add[T any](to *list[T], v T) { *to = append(*to, v) }

// aggregate fills what is over the whole of the measured phases.
func (r *Result) aggregate(t times) {
	p, d, e := inMs(t.publish), inUs(t.delay), inMs(t.e2e)
	r.AggregatedPublishLatencyAvg, r.AggregatedPublishLatencyMax = p.avg, p.max
	r.AggregatedPublishLatency50pct, r.AggregatedPublishLatency75pct = p.p50, p.p75
	r.AggregatedPublishLatency95pct, r.AggregatedPublishLatency99pct = p.p95, p.p99
	r.AggregatedPublishLatency999pct, r.AggregatedPublishLatency9999pct = p.p999, p.p9999
	r.AggregatedPublishDelayLatencyAvg, r.AggregatedPublishDelayLatencyMax = d.avg, d.max
	r.AggregatedPublishDelayLatency50pct, r.AggregatedPublishDelayLatency75pct = d.p50, d.p75
	r.AggregatedPublishDelayLatency95pct, r.AggregatedPublishDelayLatency99pct = d.p95, d.p99
	r.AggregatedPublishDelayLatency999pct, r.AggregatedPublishDelayLatency9999pct = d.p999, d.p9999
	r.AggregatedEndToEndLatencyAvg, r.AggregatedEndToEndLatencyMax = e.avg, e.max
	r.AggregatedEndToEndLatency50pct, r.AggregatedEndToEndLatency75pct = e.p50, e.p75
	r.AggregatedEndToEndLatency95pct, r.AggregatedEndToEndLatency99pct = e.p95, e.p99
	r.AggregatedEndToEndLatency999pct, r.AggregatedEndToEndLatency9999pct = e.p999, e.p9999

	inMilliseconds := func(ns int64) float64 { return ms(float64(ns)) }
	r.AggregatedPublishLatencyQuantiles = quantilesOf(t.publish, inMilliseconds)
	r.AggregatedPublishDelayLatencyQuantiles = quantilesOf(t.delay, us)
	r.AggregatedEndToEndLatencyQuantiles = quantilesOf(t.e2e, inMilliseconds)
}

// summary of a histogram in OMB's percentiles; zeros when it is empty.
type summary[T any] struct {
	avg                             float64
	p50, p75, p95, p99, p999, p9999 T
	max                             T
}

func summarize[T any](h *hdrhistogram.Histogram, avg float64, unit func(int64) T) summary[T] {
	at := func(percentile float64) T { return unit(h.ValueAtPercentile(percentile)) }
	return summary[T]{
		avg: avg, p50: at(50), p75: at(75), p95: at(95), p99: at(99), p999: at(99.9), p9999: at(99.99), max: unit(h.Max()),
	}
}

func inMs(h *hdrhistogram.Histogram) summary[float64] {
	return summarize(h, ms(h.Mean()), func(ns int64) float64 { return ms(float64(ns)) })
}

func inUs(h *hdrhistogram.Histogram) summary[int64] { return summarize(h, h.Mean()/1000, us) }

// ticksPerHalfDistance of the quantile maps.
const ticksPerHalfDistance = 100

// quantile is one entry of a map from percentile to value.
type quantile[T any] struct {
	percentile float64
	value      T
}

// quantiles are written as an object in the order of the percentiles.
type quantiles[T any] []quantile[T]

// quantilesOf walks through a histogram as HdrHistogram's percentile iterator
// does. An entry's key is the share of values up to its own, so that several
// steps within one bucket are one entry.
func quantilesOf[T any](h *hdrhistogram.Histogram, unit func(int64) T) quantiles[T] {
	out := quantiles[T]{}
	if h.TotalCount() == 0 {
		return out
	}
	for _, b := range h.CumulativeDistributionWithTicks(ticksPerHalfDistance) {
		q := quantile[T]{100 * float64(b.Count) / float64(h.TotalCount()), unit(b.ValueAt)}
		if n := len(out); n > 0 && out[n-1].percentile == q.percentile {
			out[n-1] = q
			continue
		}
		out = append(out, q)
	}
	return out
}

// MarshalJSON keeps the order, which a Go map would not: encoding/json sorts
// keys as text.
func (q quantiles[T]) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	buf.WriteByte('{')
	for i, e := range q {
		if i > 0 {
			buf.WriteByte(',')
		}
		v, err := json.Marshal(e.value)
		if err != nil {
			return nil, err
		}
		buf.WriteString(`"` + key(e.percentile) + `":`)
		buf.Write(v)
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}

// key writes a percentile as Java writes a double: with a point.
func key(percentile float64) string {
	text := strconv.FormatFloat(percentile, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

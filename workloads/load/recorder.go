package load

import (
	"sync"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tidelog/tide/results"
)

// shards spreads the recorders over a few locks. More would cost memory (each
// holds 1.5 MiB of histograms) and time at each interval.
const shards = 4

// Recorder gathers times until they are taken, once a second. Safe for any
// number of goroutines.
type Recorder struct {
	shards [shards]recorderShard
}

type recorderShard struct {
	mu       sync.Mutex
	hist     results.Histograms
	negative int64 // times below zero, which are recorded as zero
	over     int64 // times beyond an hour, which are recorded as an hour
	timed    timed
}

// NewRecorder is empty.
func NewRecorder() *Recorder {
	r := &Recorder{}
	for i := range r.shards {
		r.shards[i].hist = results.NewHistograms()
	}
	return r
}

// Shard is where one producer or consumer records.
func (r *Recorder) shard(i int) *recorderShard { return &r.shards[i%shards] }

// produce records the three times of a record that was acknowledged at a time
// of the Clock, and its wait in the client.
func (s *recorderShard) produce(at, service, delay, client int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timed.add(at, service+delay)
	s.record(results.ProduceService, service)
	s.record(results.ProduceDelay, delay)
	s.record(results.ProduceResponse, service+delay)
	s.record(results.ProduceClient, client)
}

// consume records the two times of a record that was received.
func (s *recorderShard) consume(service, response int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record(results.E2EService, service)
	s.record(results.E2EResponse, response)
}

// fetch records the times of a single record that was fetched by its offset.
func (s *recorderShard) fetch(service, delay int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record(results.FetchService, service)
	s.record(results.FetchDelay, delay)
	s.record(results.FetchResponse, service+delay)
}

// record is called with mu held. A negative time is never dropped: it means
// that the clock check has failed.
func (s *recorderShard) record(series results.Series, ns int64) {
	if ns < 0 {
		s.negative++
		ns = 0
	}
	if ns > results.HistogramHighest {
		s.over++
		ns = results.HistogramHighest
	}
	_ = s.hist[series].RecordValue(ns) // cannot fail: ns is within the bounds
}

// Interval is what was recorded since the last Take.
type Interval struct {
	Hist     results.Histograms
	Negative int64 // times below zero: the clock check has failed
	Over     int64 // times beyond an hour
	// Late is the generator's own error, of Stalls: whoever takes both puts it
	// here. Nil without a send.
	Late *hdrhistogram.Histogram
	// Timed are the records acknowledged, in no particular order, if they are
	// kept; TimedLost those for which there was no room.
	Timed     []Timed
	TimedLost int64
}

// Take returns what was recorded since the last Take and starts anew.
func (r *Recorder) Take() Interval {
	out := Interval{Hist: results.NewHistograms()}
	for i := range r.shards {
		r.shards[i].drain(&out)
	}
	return out
}

func (s *recorderShard) drain(out *Interval) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, h := range s.hist {
		if h.TotalCount() == 0 {
			continue
		}
		out.Hist[i].Merge(h)
		h.Reset()
	}
	out.Negative += s.negative
	out.Over += s.over
	s.timed.drain(out)
	s.negative, s.over = 0, 0
}

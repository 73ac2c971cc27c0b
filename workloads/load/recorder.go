package load

import (
	"sync"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Series is one of the times that are kept of every operation.
type Series int

// The series of a trial; String gives the stem of the file's name.
const (
	ProduceService Series = iota
	ProduceDelay
	ProduceResponse
	ProduceClient
	E2EService
	E2EResponse
	seriesCount
)

var seriesNames = [seriesCount]string{
	"produce.service", "produce.delay", "produce.response", "produce.client",
	"e2e.service", "e2e.response",
}

func (s Series) String() string { return seriesNames[s] }

// AllSeries lists them.
func AllSeries() []Series {
	all := make([]Series, seriesCount)
	for i := range all {
		all[i] = Series(i)
	}
	return all
}

// Bounds of every histogram, in nanoseconds: three digits up to an hour.
const (
	histLowest  = 1
	histHighest = 3_600_000_000_000
	histDigits  = 3
)

// NewHistogram has the bounds of every histogram of a trial.
func NewHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(histLowest, histHighest, histDigits)
}

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
	hist     [seriesCount]*hdrhistogram.Histogram
	negative int64 // times below zero, which are recorded as zero
	over     int64 // times beyond an hour, which are recorded as an hour
}

// NewRecorder is empty.
func NewRecorder() *Recorder {
	r := &Recorder{}
	for i := range r.shards {
		for s := range r.shards[i].hist {
			r.shards[i].hist[s] = NewHistogram()
		}
	}
	return r
}

// Shard is where one producer or consumer records.
func (r *Recorder) shard(i int) *recorderShard { return &r.shards[i%shards] }

// produce records the three times of an acknowledged record and its wait in
// the client.
func (s *recorderShard) produce(service, delay, client int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record(ProduceService, service)
	s.record(ProduceDelay, delay)
	s.record(ProduceResponse, service+delay)
	s.record(ProduceClient, client)
}

// consume records the two times of a record that was received.
func (s *recorderShard) consume(service, response int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record(E2EService, service)
	s.record(E2EResponse, response)
}

// record is called with mu held. A negative time is never dropped: it means
// that the clock check has failed.
func (s *recorderShard) record(series Series, ns int64) {
	if ns < 0 {
		s.negative++
		ns = 0
	}
	if ns > histHighest {
		s.over++
		ns = histHighest
	}
	_ = s.hist[series].RecordValue(ns) // cannot fail: ns is within the bounds
}

// Interval is what was recorded since the last Take.
type Interval struct {
	Hist     [seriesCount]*hdrhistogram.Histogram
	Negative int64 // times below zero: the clock check has failed
	Over     int64 // times beyond an hour
}

// Take returns what was recorded since the last Take and starts anew.
func (r *Recorder) Take() Interval {
	var out Interval
	for s := range out.Hist {
		out.Hist[s] = NewHistogram()
	}
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
	s.negative, s.over = 0, 0
}

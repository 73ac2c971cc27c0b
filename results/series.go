package results

import "github.com/HdrHistogram/hdrhistogram-go"

// Series is one of the times that are kept of every operation. Percentiles of
// different series are never added; Response is the one to quote.
type Series int

// The series of a trial. Each is one hlog file, named by String.
const (
	ProduceService  Series = iota // acknowledged − sent
	ProduceDelay                  // sent − intended
	ProduceResponse               // acknowledged − intended
	ProduceClient                 // the part of service before the request was written
	E2EService                    // received − sent
	E2EResponse                   // received − intended
	FetchService                  // a single record fetched by its offset: answer − request
	FetchDelay                    // request − intended
	FetchResponse                 // answer − intended
	SeriesCount
)

var seriesNames = [SeriesCount]string{
	"produce.service", "produce.delay", "produce.response", "produce.client",
	"e2e.service", "e2e.response", "fetch.service", "fetch.delay", "fetch.response",
}

// optional series have a file only where there is something in it: few
// workloads fetch single records.
func (s Series) optional() bool { return s >= FetchService }

// String is the stem of the series' file.
func (s Series) String() string { return seriesNames[s] }

// file of the series in a trial's directory.
func (s Series) file() string { return s.String() + ".hlog" }

// Bounds of every histogram, in nanoseconds: three digits up to an hour.
const (
	HistogramLowest  = 1
	HistogramHighest = 3_600_000_000_000
	HistogramDigits  = 3
)

// NewHistogram has the bounds that all histograms of a trial share, so that
// any two can be merged.
func NewHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(HistogramLowest, HistogramHighest, HistogramDigits)
}

// Histograms is one histogram of each series.
type Histograms [SeriesCount]*hdrhistogram.Histogram

// NewHistograms are empty.
func NewHistograms() Histograms {
	var h Histograms
	for i := range h {
		h[i] = NewHistogram()
	}
	return h
}

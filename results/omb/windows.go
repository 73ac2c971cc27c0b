package omb

import (
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tidelog/tide/results"
)

// windowSeconds is the length of a window unless the workload sets another.
// OMB's test ends with the first window that ends behind its time; ours ends on
// time, and a rest shorter than half a window belongs to the one before it.
const windowSeconds = 10

// warmUp is the phase that is not measured.
const warmUp = "warm-up"

// Columns of the timeline that the rates are made of.
const (
	columnAcked     = "acked_per_s"
	columnFailed    = "failed_per_s"
	columnConsumed  = "consumed_per_s"
	columnCaughtUp  = "caught_up_per_s"
	columnCaughtMiB = "caught_up_mib_per_s"
)

// counts of records in an interval or a window.
type counts struct{ acked, failed, received int64 }

// window is some intervals of one phase, one after the other.
type window struct {
	seconds float64
	counts
	backlog int64 // records, at its end
	hist    times
}

// times are the three series that OMB knows, ns.
type times struct{ publish, delay, e2e *hdrhistogram.Histogram }

func newTimes() times {
	return times{results.NewHistogram(), results.NewHistogram(), results.NewHistogram()}
}

// series of the trial that fill a times.
var series = [3]results.Series{results.ProduceService, results.ProduceDelay, results.E2EService}

func (t times) all() [len(series)]*hdrhistogram.Histogram {
	return [len(series)]*hdrhistogram.Histogram{t.publish, t.delay, t.e2e}
}

// isMeasured says whether the rows of a phase count. Between phases nothing is
// asked of the target.
func isMeasured(phase string) bool { return phase != "" && phase != warmUp }

// windows cuts the measured phases.
func windows(t *results.Trial) []window {
	var out []window
	length := windowLength(t)
	var sent, received int64
	for _, p := range phases(t) {
		first := len(out)
		for _, s := range p {
			sent, received = sent+subscriptions(t)*s.acked, received+s.received
			if len(out) == first || out[len(out)-1].seconds >= length-0.5 && s.left >= length/2 {
				out = append(out, window{hist: newTimes()})
			}
			w := &out[len(out)-1]
			w.seconds += s.seconds
			w.acked, w.failed, w.received = w.acked+s.acked, w.failed+s.failed, w.received+s.received
			w.backlog = max(0, sent-received)
			s.addTo(w.hist)
		}
		if len(p) > 0 && !isMeasured(p[0].phase) {
			out = out[:first]
		}
	}
	return out
}

// measured merges all times of the measured phases.
func measured(t *results.Trial) times {
	out := newTimes()
	for i, sum := range out.all() {
		for _, iv := range t.Logs[series[i]] {
			if isMeasured(iv.Phase) {
				iv.Hist.AddTo(sum)
			}
		}
	}
	return out
}

// second is a row of the timeline with the intervals of the logs beside it.
type second struct {
	phase   string
	seconds float64
	left    float64 // seconds of the phase from its start on
	counts
	hists [len(series)][]*results.Sparse
}

func (s second) addTo(sum times) {
	for i, h := range sum.all() {
		for _, part := range s.hists[i] {
			part.AddTo(h)
		}
	}
}

// phases groups the rows of the timeline, warm-up and what lies between phases
// too: they count for the backlog.
func phases(t *results.Trial) [][]second {
	var out [][]second
	logs := &cursor{trial: t}
	before := 0.0
	for i, row := range t.Timeline.Rows {
		if i == 0 || row.Phase != t.Timeline.Rows[i-1].Phase {
			out = append(out, nil)
		}
		length := row.T - before
		s := second{phase: row.Phase, seconds: length, counts: countsOf(t, i, length), hists: logs.next(row)}
		out[len(out)-1] = append(out[len(out)-1], s)
		before = row.T
	}
	for _, p := range out {
		left := 0.0
		for i := len(p) - 1; i >= 0; i-- {
			left += p[i].seconds
			p[i].left = left
		}
	}
	return out
}

// countsOf a row: its rates times its length, which is the count that the rates
// were made of.
func countsOf(t *results.Trial, row int, seconds float64) counts {
	of := func(column string) int64 { return int64(math.Round(at(t, column, row) * seconds)) }
	c := counts{acked: of(columnAcked), failed: of(columnFailed), received: of(columnConsumed)}
	if t.Timeline.Column(columnCaughtUp) != nil {
		c.received += of(columnCaughtUp)
	} else if size := setting(t, "load.value_bytes", 0); size > 0 {
		c.received += int64(math.Round(at(t, columnCaughtMiB, row) * seconds * (1 << 20) / float64(size)))
	}
	return c
}

// at is a value of the timeline; 0 without the column.
func at(t *results.Trial, column string, row int) float64 {
	for i, name := range t.Timeline.Columns {
		if name == column {
			return t.Timeline.Rows[row].Values[i]
		}
	}
	return 0
}

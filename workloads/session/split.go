package session

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tidelog/tide/internal/spans"
	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/target"
)

// Uploads are paced, so they go on for most of the time, and begin and end
// within seconds: an interval of a second lies in both. So single records are
// told apart, each by what went on from its intended time to its
// acknowledgement:
//
//	upload     ├───────────────┤       ├──────
//	records  ├──┤  ├─┤       ├──┤ ├─┤
//	         during during during between
//
// The target is asked once a second, after the records were taken: what it has
// begun by then is all that can have overlapped them.

// Kinds of background work, as Activity and run.json call them.
const (
	kindUpload     = "upload"
	kindCompaction = "compaction"
)

var kinds = []string{kindUpload, kindCompaction}

// splits keeps the records of one phase apart, by each kind of work.
type splits struct {
	from    int64 // ns of the Clock: the phase's start
	until   int64 // up to here it is accounted for
	length  int64 // ns that are accounted for
	by      map[string]*split
	unknown int64 // records that nothing is known of
}

type split struct {
	during, between *hdrhistogram.Histogram
	complete        int64
	on              int64 // ns during which any went on
}

func newSplits(from int64) *splits {
	s := &splits{from: from, until: from, by: map[string]*split{}}
	for _, kind := range kinds {
		s.by[kind] = &split{during: results.NewHistogram(), between: results.NewHistogram()}
	}
	return s
}

// add takes the records acknowledged up to a time, and the work that was done.
func (s *splits) add(to int64, taken load.Interval, work map[string][]spans.Span) {
	s.unknown += taken.TimedLost
	for kind, sp := range s.by {
		sp.add(s.from, s.until, to, taken.Timed, work[kind])
	}
	s.length += to - s.until
	s.until = to
}

// skip leaves out what was recorded while the target did not answer.
func (s *splits) skip(to int64, taken load.Interval) {
	s.unknown += taken.TimedLost + int64(len(taken.Timed))
	s.until = to
}

// merge adds another phase's.
func (s *splits) merge(other *splits) {
	s.length += other.length
	s.unknown += other.unknown
	for kind, sp := range s.by {
		o := other.by[kind]
		sp.during.Merge(o.during)
		sp.between.Merge(o.between)
		sp.complete += o.complete
		sp.on += o.on
	}
}

func (s *split) add(phase, from, to int64, records []load.Timed, work []spans.Span) {
	for _, w := range work {
		if w.Start >= phase && w.End > from && w.End <= to {
			s.complete++
		}
	}
	on := union(work)
	for _, w := range on {
		s.on += max(0, min(w.End, to)-max(w.Start, from))
	}
	for _, r := range records {
		h := s.between
		if overlaps(on, r.At-r.Response, r.At) {
			h = s.during
		}
		_ = h.RecordValue(min(max(r.Response, 0), results.HistogramHighest)) // within the bounds
	}
}

// union joins spans that overlap, in ascending order. One that still goes on
// has no end.
func union(work []spans.Span) []spans.Span {
	sorted := slices.Clone(work)
	slices.SortFunc(sorted, func(a, b spans.Span) int { return cmp.Compare(a.Start, b.Start) })
	var out []spans.Span
	for _, w := range sorted {
		if w.End == 0 {
			w.End = math.MaxInt64
		}
		if n := len(out); n > 0 && w.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, w.End)
			continue
		}
		out = append(out, w)
	}
	return out
}

// overlaps says whether any span of a union meets [from, to].
func overlaps(on []spans.Span, from, to int64) bool {
	// The last span that begins before the end has the latest end of these.
	i, _ := slices.BinarySearchFunc(on, to+1, func(w spans.Span, t int64) int { return cmp.Compare(w.Start, t) })
	return i > 0 && on[i-1].End >= from
}

// result of the phase; kinds of which there was none are left out, but for
// uploads: that there was none is worth knowing.
func (s *splits) result() []results.Split {
	var out []results.Split
	for _, kind := range kinds {
		sp := s.by[kind]
		if kind != kindUpload && sp.on == 0 {
			continue
		}
		out = append(out, results.Split{
			Work: kind, Complete: sp.complete, Share: float64(sp.on) / float64(max(1, s.length)),
			During: results.TimesOf(sp.during), Between: results.TimesOf(sp.between), Unknown: s.unknown,
		})
	}
	return out
}

// splitInterval files the interval's records. Called with mu held.
func (s *Session) splitInterval(to int64, taken load.Interval) {
	active, ok := s.cfg.Target.(target.Active)
	if !ok || s.splits == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	work, err := active.Activity(ctx)
	if err != nil {
		s.splits.skip(to, taken)
		return
	}
	drift := int64(s.cfg.Clock.Drift()) // the target's clock is the wall's
	for _, list := range work {
		for i := range list {
			list[i].Start -= drift
			if list[i].End != 0 {
				list[i].End -= drift
			}
		}
	}
	s.splits.add(to, taken, work)
}

// splitFigures quotes the splits of the windows, all together, under the name of
// the first: where there are enough records.
func splitFigures(name string, all []results.Split, figure func(name string, value float64, unit string)) {
	words := map[string][3]string{ // of the two sides, and of the ratio
		kindUpload:     {"during uploads", "between uploads", "during uploads ÷ between"},
		kindCompaction: {"during compaction", "without compaction", "during compaction ÷ without"},
	}
	for _, s := range all {
		w := words[s.Work]
		figure(name+" time "+w[0], 100*s.Share, "% of it")
		if !s.Quotable() {
			continue
		}
		figure(name+" p99 "+w[0], float64(s.During.P99)/1e6, "ms")
		figure(name+" p99 "+w[1], float64(s.Between.P99)/1e6, "ms")
		figure(name+" p99 "+w[2], float64(s.During.P99)/float64(s.Between.P99), "×")
	}
}

package load

import (
	"errors"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Curve is a rate of sends that changes linearly from point to point. Before
// the first point it is that of the first, after the last that of the last.
type Curve struct {
	Points []RatePoint
	// Daily: points are times of the day, local time, and the curve repeats
	// every day. Otherwise they count from the first send.
	Daily bool
}

// RatePoint is the rate at one moment.
type RatePoint struct {
	At   time.Duration
	Rate int64 // sends a second
}

// maxPoints of a curve: one a minute of a day.
const maxPoints = 1440

const day = 24 * time.Hour

func (c Curve) validate() error {
	var f faults
	f.want(len(c.Points) <= maxPoints, "a curve of rates has %d points, want at most %d", len(c.Points), maxPoints)
	sends := len(c.Points) == 0
	for i, p := range c.Points {
		f.want(p.Rate >= 0 && p.Rate <= maxRate, "point %d of the rates is %d sends/s, want 0 to %d", i, p.Rate, maxRate)
		f.want(p.At >= 0 && p.At <= 10*day && (!c.Daily || p.At < day), "point %d of the rates is at %v, want 0 to %v, below %v for a time of the day", i, p.At, 10*day, day)
		f.want(c.Daily || i == 0 || p.At > c.Points[i-1].At, "point %d of the rates is not later than the one before", i)
		sends = sends || p.Rate > 0
	}
	f.want(sends, "a curve of rates is never above 0")
	if c.Daily {
		of := c.sorted()
		for i := 1; i < len(of); i++ {
			f.want(of[i].At > of[i-1].At, "two points of the rates are at %v", of[i].At)
		}
	}
	return errors.Join(f...)
}

func (c Curve) sorted() []RatePoint {
	return slices.SortedFunc(slices.Values(c.Points), func(a, b RatePoint) int { return int(a.At - b.At) })
}

// String is the points as a person writes them.
func (c Curve) String() string {
	parts := make([]string, len(c.Points))
	for i, p := range c.Points {
		parts[i] = p.At.String() + "=" + strconv.FormatInt(p.Rate, 10)
	}
	return strings.Join(parts, " ")
}

// from is the curve's points counted from a start, for at least length. A
// daily one is laid out day by day.
func (c Curve) from(start time.Time, length time.Duration) []RatePoint {
	if !c.Daily {
		return c.Points
	}
	midnight := time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, start.Location())
	into := start.Sub(midnight)
	var out []RatePoint
	for d := -day; d <= into+length+day; d += day {
		for _, p := range c.sorted() {
			out = append(out, RatePoint{d + p.At - into, p.Rate})
		}
	}
	return cut(out)
}

// cut drops what lies before the start and puts a point there.
func cut(points []RatePoint) []RatePoint {
	i := sort.Search(len(points), func(i int) bool { return points[i].At > 0 })
	if i == 0 || i == len(points) {
		return points
	}
	a, b := points[i-1], points[i]
	share := float64(-a.At) / float64(b.At-a.At)
	rate := float64(a.Rate) + share*float64(b.Rate-a.Rate)
	return append([]RatePoint{{0, int64(math.Round(rate))}}, points[i:]...)
}

// curved is the schedule of a Curve: like Schedule a pure function of a send's
// number, which nothing can re-base.
//
//	rate │      ╱╲            N(t), the sends that are due before t, is the
//	     │  ───╱  ╲───        area below the line; send i is due where it is i
//	     └──┬───┬──┬───▶ t
type curved struct {
	start    int64 // ns of the Clock
	segments []segment
}

// segment is from one point to the next. The last one has no end.
type segment struct {
	begins  float64 // ns since the start
	lasts   float64 // ns; +Inf for the last
	rate    float64 // sends a second at its begin
	slope   float64 // of the rate, a second
	before  float64 // sends due before it
	ofSends float64 // sends due within it
}

const second = float64(time.Second)

func newCurved(start int64, points []RatePoint) *curved {
	c := &curved{start: start}
	if points[0].At > 0 {
		points = append([]RatePoint{{0, points[0].Rate}}, points...)
	}
	before := 0.0
	for i, p := range points {
		s := segment{begins: float64(p.At), lasts: math.Inf(1), rate: float64(p.Rate), before: before, ofSends: math.Inf(1)}
		if i+1 < len(points) {
			s.lasts = float64(points[i+1].At - p.At)
			s.slope = float64(points[i+1].Rate-p.Rate) / (s.lasts / second)
			s.ofSends = float64(p.Rate+points[i+1].Rate) / 2 * (s.lasts / second)
		}
		if p.Rate == 0 && math.IsInf(s.lasts, 1) {
			s.ofSends = 0
		}
		c.segments = append(c.segments, s)
		before += s.ofSends
	}
	return c
}

// At is the intended time of send i, ns of the Clock; math.MaxInt64 for one
// that never comes.
func (c *curved) At(i int64) int64 {
	n := float64(i)
	k := sort.Search(len(c.segments), func(k int) bool { return c.segments[k].before+c.segments[k].ofSends > n })
	if k == len(c.segments) {
		return math.MaxInt64
	}
	s := c.segments[k]
	n -= s.before
	// n = rate·t + slope·t²/2, solved without the difference of near numbers.
	t := 2 * n / (s.rate + math.Sqrt(max(0, s.rate*s.rate+2*s.slope*n)))
	if n == 0 {
		t = 0
	}
	return c.start + int64(s.begins+min(t*second, s.lasts))
}

// CountBefore is the number of sends that are due before t.
func (c *curved) CountBefore(t int64) int64 {
	lo, hi := int64(0), int64(1)
	for c.At(hi) < t {
		lo, hi = hi, 2*hi
	}
	// At rises with its argument: the first send that is not before t.
	return lo + int64(sort.Search(int(hi-lo), func(k int) bool { return c.At(lo+int64(k)) >= t }))
}

package model

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Queue says when a volume is done with each I/O that arrives. It knows no
// clock: times are since whatever beginning the caller chose, and do not run
// backwards from call to call. It is not safe for concurrent use.
type Queue struct {
	volume Volume
	rng    *rand.Rand
	ops    bucket
	bytes  bucket
	// slots are the times at which those in service end, sorted; at most Depth.
	slots []time.Duration
	last  last
}

// last is the I/O before, which the next may join.
type last struct {
	end   int64         // position after it
	unit  int64         // bytes in the unit that it accounted for
	start time.Duration // when its service began
}

// NewQueue returns the queue of an idle volume. The same seed gives the same
// service times.
func NewQueue(v Volume, seed uint64) *Queue {
	v = v.withDefaults()
	q := &Queue{volume: v, rng: rand.New(rand.NewPCG(seed, 0x7469_6465))}
	q.ops.perSecond, q.bytes.perSecond = v.IOPS, v.Rate
	q.slots = make([]time.Duration, 0, v.Depth)
	q.last.end = -1
	return q
}

// Arrive takes an I/O of size bytes at position pos, and returns when it is
// done. Service starts in order of arrival.
func (q *Queue) Arrive(now time.Duration, pos, size int64) (done time.Duration) {
	ops := q.account(now, pos, size)
	start := max(now, q.last.start,
		q.ops.take(now, ops, q.volume.Burst), q.bytes.take(now, size, q.volume.Burst))
	start = max(start, q.slot())
	done = start + q.volume.service(q.rng)
	q.occupy(done)
	q.last.start = start
	return done
}

// account says as how many I/Os this one counts.
func (q *Queue) account(now time.Duration, pos, size int64) int64 {
	unit, before := q.volume.Unit, q.last.unit
	joins := q.volume.MergeFrom > 0 && size >= q.volume.MergeFrom && pos == q.last.end && q.last.start > now
	q.last.end = pos + size
	if !joins {
		before = 0
	}
	q.last.unit = (before + size) % unit
	return ceil(before+size, unit) - ceil(before, unit)
}

func ceil(n, unit int64) int64 { return (n + unit - 1) / unit }

// slot is when a place in service is free.
func (q *Queue) slot() time.Duration {
	if q.volume.Depth == 0 || len(q.slots) < q.volume.Depth {
		return 0
	}
	return q.slots[0]
}

func (q *Queue) occupy(until time.Duration) {
	if q.volume.Depth == 0 {
		return
	}
	if len(q.slots) == q.volume.Depth {
		q.slots = slices.Delete(q.slots, 0, 1)
	}
	i, _ := slices.BinarySearch(q.slots, until)
	q.slots = slices.Insert(q.slots, i, until) // within the capacity made at first
}

// bucket of tokens in its other form: the time at which all that was taken is
// paid for (the generic cell rate algorithm). It needs no refill, and one that
// takes more than the bucket holds goes into debt instead of waiting for ever.
type bucket struct {
	perSecond int64
	paid      time.Duration
}

// take returns when n tokens are there, and takes them then.
func (b *bucket) take(now time.Duration, n int64, burst time.Duration) time.Duration {
	if b.perSecond == 0 {
		return now
	}
	at := max(now, b.paid-burst)
	cost := time.Duration(float64(n) * float64(time.Second) / float64(b.perSecond))
	b.paid = max(now, b.paid) + cost
	return at
}

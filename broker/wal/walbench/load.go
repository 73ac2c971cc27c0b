package walbench

import (
	"context"
	"math/bits"
	"sync"
	"time"

	"github.com/tidelog/tide/broker/object"
)

// appender writes records of one stream.
type appender struct {
	run     *run
	stream  int64
	next    int64
	head    []byte
	payload []byte
	done    chan struct{}
}

func (r *run) newAppender(id int) *appender {
	a := &appender{
		run: r, stream: int64(id), head: make([]byte, object.BatchHeaderSize),
		payload: make([]byte, r.cfg.Record),
	}
	for i := range a.payload {
		a.payload[i] = byte(31*i + id)
	}
	return a
}

// append takes a place, fills it and leaves; Commit is the caller's. false: the
// log has failed, or the run was stopped.
func (a *appender) append(from int64) bool {
	s, err := a.run.acks.reserve(a.run.cfg.body(), from, a.done)
	if err != nil {
		return false
	}
	object.PutBatchHeader(a.head, object.RecordBatch{StreamID: a.stream, Epoch: 1, BaseOffset: a.next, Count: 1, Payload: a.payload})
	a.next++
	s.Fill(a.head, a.payload)
	return true
}

// start starts the load; load counts its goroutines.
func (r *run) start(ctx context.Context, load *sync.WaitGroup, begin int64) {
	switch {
	case r.cfg.Rate == 0:
		for id := range r.cfg.Appenders {
			load.Go(r.newAppender(id).closedLoop)
		}
	case r.cfg.Appenders == 1:
		load.Go(func() { r.paceAlone(ctx, begin) })
	default:
		for id := range r.cfg.Appenders {
			load.Go(r.newAppender(id).openLoop)
		}
		load.Go(func() { r.pace(ctx, begin) })
	}
}

func (a *appender) closedLoop() {
	a.done = make(chan struct{}, 1)
	for {
		now := a.run.now()
		if now >= a.run.end || !a.append(now) {
			return
		}
		a.run.log.Commit()
		<-a.done // also after a failure
	}
}

func (a *appender) openLoop() {
	for due := range a.run.due {
		if !a.append(due) {
			for range a.run.due { // so that the pacer ends
			}
			return
		}
		a.run.log.Commit()
	}
}

// pace hands the schedule out. A queue that is full makes it late, and late
// records count from when they were due; those that are not out when the time
// is over are missing from the rate.
func (r *run) pace(ctx context.Context, begin int64) {
	defer close(r.due)
	p := newPacer(r.now)
	defer p.close()
	for i := int64(0); ; i++ {
		due := dueAt(begin, r.cfg.Rate, i)
		if due >= r.end || !p.until(ctx, due) || r.now() >= r.end {
			return
		}
		r.due <- due
	}
}

// paceAlone is pacer and one appender in one: no hand-off lies between a due
// time and the log. It appends all that is due and then leads the commit, as a
// connection does that has read several requests.
func (r *run) paceAlone(ctx context.Context, begin int64) {
	a, p := r.newAppender(0), newPacer(r.now)
	defer p.close()
	for i := int64(0); ; {
		due := dueAt(begin, r.cfg.Rate, i)
		if due >= r.end || !p.until(ctx, due) {
			return
		}
		now := r.now()
		if now >= r.end {
			return
		}
		for ; due <= now && due < r.end; due = dueAt(begin, r.cfg.Rate, i) {
			if !a.append(due) {
				return
			}
			i++
		}
		r.log.Commit()
	}
}

// dueAt is when record i is due: a product of 128 bits, so that rounding never
// adds up, whatever the rate.
func dueAt(begin, rate, i int64) int64 {
	hi, lo := bits.Mul64(uint64(i), uint64(time.Second))
	q, _ := bits.Div64(hi, lo, uint64(rate))
	return begin + int64(q)
}

// scheduled is how many records are due in [from, to).
func scheduled(begin, rate, from, to int64) int64 {
	before := func(t int64) int64 {
		hi, lo := bits.Mul64(uint64(t-begin), uint64(rate))
		q, rest := bits.Div64(hi, lo, uint64(time.Second))
		if rest > 0 {
			q++
		}
		return int64(q)
	}
	return before(to) - before(from)
}

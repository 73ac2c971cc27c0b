package walbench

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tidelog/tide/broker/wal"
)

// entry is a record on its way.
type entry struct {
	at   wal.Offset
	from int64         // ns since epoch: the call, or when it was due
	done chan struct{} // capacity 1; nil in an open loop
}

// acks knows what is on its way, in the order of the log, and what became of
// it. Its ring holds every record that may be: nothing is allocated per record.
type acks struct {
	log       *wal.WAL
	now       func() int64
	trimEvery int64
	failed    func() // runs when err is set

	mu    sync.Mutex // held around Reserve, so that ring order = log order
	room  sync.Cond  // of ring or log; with mu
	ring  []entry    // guarded by mu
	head  int        // of the oldest
	count int
	waits int64 // appends that had to wait for room, in ring or log
	err   error // of the log, or errStopped

	// Touched only in OnDurable, which is never called concurrently, and after
	// the load has ended.
	from    int64 // records from before are warm-up
	hist    *hdrhistogram.Histogram
	batch   []entry
	last    wal.Offset // newest record known durable; −1: none
	trimmed wal.Offset // where the last trim was, or the log began

	durables atomic.Int64 // records made durable since the start
}

var errStopped = errors.New("stopped")

func newAcks(capacity int, trimEvery int64, now func() int64) *acks {
	a := &acks{
		now: now, trimEvery: trimEvery, failed: func() {}, ring: make([]entry, capacity),
		hist: hdrhistogram.New(1, int64(5*time.Minute), 3), batch: make([]entry, 0, 64), last: -1,
	}
	a.room.L = &a.mu
	return a
}

// reserve takes a place in the log for a record of n bytes, waiting for room.
func (a *acks) reserve(n int, from int64, done chan struct{}) (wal.Slot, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for waited := false; ; waited = true {
		if a.err != nil {
			return wal.Slot{}, a.err
		}
		if a.count < len(a.ring) {
			s, err := a.log.Reserve(n)
			if err == nil {
				a.ring[(a.head+a.count)%len(a.ring)] = entry{s.Offset, from, done}
				a.count++
				return s, nil
			}
			if !errors.Is(err, wal.ErrFull) {
				return s, err
			}
		}
		if !waited {
			a.waits++
		}
		a.room.Wait()
	}
}

// durable is OnDurable: it measures, wakes, and trims as the log goes.
func (a *acks) durable(end wal.Offset, err error) {
	for a.take(end, err) {
		now := a.now()
		for _, e := range a.batch {
			if err == nil && e.from >= a.from {
				_ = a.hist.RecordValue(now - e.from) // beyond 5 minutes the log has latched
			}
			if e.done != nil {
				e.done <- struct{}{}
			}
		}
		if err == nil {
			a.last = a.batch[len(a.batch)-1].at
			a.durables.Add(int64(len(a.batch)))
		}
	}
	if err == nil && int64(a.last-a.trimmed) >= a.trimEvery {
		a.trimmed = a.last
		_ = a.log.Trim(a.last) // fails only when the log does, which it says itself
	}
}

// take moves a batch of what lies before end, or all after a failure, out of
// the ring.
func (a *acks) take(end wal.Offset, err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.fail(err)
	}
	full := a.count == len(a.ring)
	a.batch = a.batch[:0]
	for a.count > 0 && len(a.batch) < cap(a.batch) {
		e := &a.ring[a.head]
		if e.at >= end && err == nil {
			break
		}
		a.batch = append(a.batch, *e)
		a.head = (a.head + 1) % len(a.ring)
		a.count--
	}
	if full {
		a.room.Broadcast()
	}
	return len(a.batch) > 0
}

// space is OnSpace.
func (a *acks) space() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.room.Broadcast()
}

// stop makes whoever waits for room give up.
func (a *acks) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fail(errStopped)
}

// onFail sets what runs when the load has to end.
func (a *acks) onFail(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed = f
}

// fail ends the load. mu is held.
func (a *acks) fail(err error) {
	if a.err == nil {
		a.err = err
		a.failed()
	}
	a.room.Broadcast()
}

// failure is the log's, if it has failed.
func (a *acks) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if errors.Is(a.err, errStopped) {
		return nil
	}
	return a.err
}

// trimAll is for the end, when everything is durable.
func (a *acks) trimAll() error {
	if a.last < 0 {
		return nil
	}
	return a.log.Trim(a.last)
}

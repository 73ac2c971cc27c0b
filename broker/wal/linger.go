package wal

import (
	"runtime"
	"time"
)

// When the open block is closed
//
//	adaptive   nothing in flight: at once, after one yield of the leader
//	           a write in flight: when it ends; the block collects meanwhile
//	           above busyRate   : and while further yields bring records, but
//	           not for longer than the device takes for a write
//	           device of known IOPS: when the next write is due (pace)
//	Linger     that long after its first record, or when it is full
//	Tick       at the next tick; full blocks wait for it too
//
// The adaptive wait is made of yields, not of sleep: a timer of the runtime is
// late by up to a millisecond, and a yield that brings no record has cost a
// microsecond and ends the wait, for then nobody is about to append.
type linger struct {
	armed  chan struct{} // of Linger: a block has been opened; capacity 1
	sleep  func(time.Duration)
	opened time.Duration // since epoch: when the open block got its first record
	ticked bool          // a tick is submitting
	epoch  time.Time     // the log's own; its monotonic reading counts

	busy    bool          // the rate is above busyRate
	crowded bool          // the last collect ended by its limit: appenders were still coming
	sampled time.Duration // since epoch: when the rate was looked at last
	records int64         // Stats.Records at that time
}

const (
	// busyRate, in records a second: from here on a durable write, at 25 to 50
	// µs of CPU, is shared by several records if it waits for them.
	busyRate   = 5000
	rateSample = 10 * time.Millisecond
)

// collect yields before the leader closes a block, so that appenders which are
// ready to run get their records into it: a durable write costs the same with
// one record or with ten. mu is held, but not while yielding.
func (w *WAL) collect() {
	if w.cfg.Tick > 0 || w.cfg.Linger > 0 {
		return
	}
	w.lead.collecting, w.linger.crowded = true, false
	w.yield()
	if w.linger.busy {
		w.collectMore()
	}
	w.lead.collecting = false
}

// collectMore yields as long as that brings records into the open block. With
// so many appenders that this takes longer than a write, it stops there: those
// who are left make the next block while this one is written (overlaps), and
// processor and device work at the same time.
func (w *WAL) collectMore() {
	limit := w.now() + min(w.cfg.LingerLimit, w.lead.service.average)
	for b := w.open; b != nil && b == w.open; {
		used := b.used
		w.yield()
		if b.used == used {
			return
		}
		if w.now() >= limit {
			w.linger.crowded = true
			return
		}
	}
}

// overlaps says that the open block is to be written before anybody is told of
// the one that has just landed. It holds where appenders come faster than
// collect can wait for them, and only for a block that is no scrap: two groups
// of appenders then take turns, and the device does not wait for the processor.
// With fewer appenders one group of all is better: submitting first was tried
// for them, and halves the records in a write.
func (w *WAL) overlaps() bool {
	return w.linger.crowded && w.open != nil && w.open.used >= w.lead.landed/4
}

// now is since the log's epoch, by the monotonic clock.
func (w *WAL) now() time.Duration { return time.Since(w.linger.epoch) }

func (w *WAL) yield() {
	w.mu.Unlock()
	runtime.Gosched()
	w.mu.Lock()
}

// measureRate is called when blocks have landed. mu is held.
func (w *WAL) measureRate() {
	l := &w.linger
	now := w.now()
	if elapsed := now - l.sampled; elapsed >= rateSample {
		l.busy = float64(w.stats.Records-l.records) > busyRate*elapsed.Seconds()
		l.crowded = false // groups that take turns never collect, and would go on for ever
		l.sampled, l.records = now, w.stats.Records
	}
}

// startLinger is called for a new open block. mu is held.
func (w *WAL) startLinger() {
	if w.cfg.Linger > 0 {
		w.linger.opened = w.now()
		w.armLinger()
	}
}

// armLinger calls the goroutine that closes blocks when they are due.
func (w *WAL) armLinger() {
	select {
	case w.linger.armed <- struct{}{}:
	default: // one call is pending, and it looks at the newest block
	}
}

// mayClose says that the open block need not stay open. Full ones do not ask.
// mu is held.
func (w *WAL) mayClose() bool {
	if w.lead.collecting {
		return false
	}
	wait := w.untilDue() > 0
	if wait && w.lead.pace.every > 0 {
		// A block that was opened in time may be late now, for others have been
		// written since: it is here that this is noticed, and nowhere else.
		w.armLinger()
	}
	return !wait
}

// untilDue is how long the open block has to stay open; one of a log that
// closes has not. mu is held.
func (w *WAL) untilDue() time.Duration {
	switch {
	case w.phase != accepting:
		return 0
	case w.cfg.Linger > 0:
		return w.cfg.Linger - (w.now() - w.linger.opened)
	case w.lead.pace.every > 0:
		return w.lead.pace.wait(w.now())
	}
	return 0
}

// runTicks submits on every tick, and calls the reaper for it.
func (w *WAL) runTicks() {
	defer w.done.Done()
	ticker := time.NewTicker(w.cfg.Tick)
	defer ticker.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
		}
		w.mu.Lock()
		w.linger.ticked = true
		w.kick()
		w.linger.ticked = false
		w.mu.Unlock()
	}
}

// runLinger submits the open block when its linger is over, or its write due.
func (w *WAL) runLinger() {
	defer w.done.Done()
	for {
		select {
		case <-w.stop:
			return
		case <-w.linger.armed:
		}
		for wait := w.submitDue(); wait > 0; wait = w.submitDue() {
			w.linger.sleep(min(wait, longestNap)) // a signal ends it early
		}
	}
}

// longestNap is how long Close may have to wait for runLinger.
const longestNap = 10 * time.Millisecond

// submitDue submits the open block if it is due, and returns how long it is not.
// It looks at the time before it submits: a block that became due between a
// vain attempt and a look afterwards would be nobody's. A block that is opened
// meanwhile calls again.
func (w *WAL) submitDue() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		return 0
	}
	if wait := w.untilDue(); wait > 0 {
		return wait
	}
	w.kick()
	return 0
}

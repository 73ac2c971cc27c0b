package wal

import (
	"errors"
	"fmt"
	"time"
)

// reap runs as the leader: it waits for completions, settles them, tells, and
// submits what may follow, until the records before until are durable and, for
// the reaper goroutine, nothing is in flight. Then it lets go of the lead, or
// hands it over. mu is held, but not while waiting.
//
// It tells before it submits, unless the next block overlaps: in closed loops
// the appenders told are back within the yield of collect.
func (w *WAL) reap(until Offset) {
	w.notify()
	for w.lead.submitted > 0 && !w.mayLeave(until) {
		w.mu.Unlock()
		_, err := w.path.Reap(1)
		w.mu.Lock()
		w.settle()
		if err != nil {
			// Nothing more will come back, so nothing more is waited for.
			w.latch(err)
			w.lead.submitted = 0
		}
		if w.overlaps() {
			w.pump()
		}
		w.notify()
		if w.open != nil && w.lead.inflight == 0 {
			w.collect()
		}
		w.pump()
		w.notify()
	}
	w.lead.holder = nobody
	if w.phase != closing || w.cause == nil {
		w.handOver()
	}
	w.broadcast()
}

// mayLeave says that the leader has done its part. An appender leaves when its
// records are durable or never will be; the reaper only when a log that failed
// is being closed, because then a hanging write may never come back.
func (w *WAL) mayLeave(until Offset) bool {
	if w.lead.holder == appender {
		return w.win.start >= until || w.cause != nil
	}
	return w.cause != nil && w.phase == closing
}

// settle takes in what Reap has completed, and moves the durable prefix over
// the blocks that have landed, in order. After a latch nothing counts any more,
// even if its bytes landed. mu is held; only the leader calls it.
func (w *WAL) settle() {
	now := w.now()
	for _, x := range w.lead.finished {
		w.lead.inflight--
		w.lead.submitted--
		switch err := x.io.Err; {
		case x.block != nil:
			w.lead.blocks--
			w.lead.service.add(now - x.begun)
			w.stats.InFlight += now - x.begun
			w.lead.landed = alignUp(x.block.used)
			x.block.landed = err == nil
			w.latchWrite(err, x.block.off)
		case err != nil:
			w.latch(fmt.Errorf("write of the header: %w", err))
			w.header.busy = false
		default:
			w.settleHeader()
		}
	}
	w.lead.finished = w.lead.finished[:0]
	w.advance()
	w.broadcast()
}

func (w *WAL) latchWrite(err error, off Offset) {
	if err != nil {
		w.latch(fmt.Errorf("write of the block at offset %d: %w", off, err))
	}
}

// settleHeader takes over a header that has landed: its window and the space
// before its trim offset may be used from now on.
func (w *WAL) settleHeader() {
	h := &w.header
	if w.cause != nil {
		h.busy = false
		return
	}
	h.landed()
	w.win.max = h.durable.WindowMax
	w.notice.freed()
}

// advance moves the durable prefix.
func (w *WAL) advance() {
	if w.cause != nil {
		return
	}
	moved := false
	for b := w.blocks.first; b != nil && b.landed; b = w.blocks.first {
		w.blocks.pop()
		w.win.start = b.end()
		w.recycle(b)
		moved = true
	}
	if moved {
		w.notice.freed()
		w.adapt()
		w.measureRate()
	}
}

// adapt follows the load with the depth. A sealed block that still waits when
// another has landed was held back by the depth alone: the load is more than
// full blocks one at a time. A block that is not even half full means that
// fewer, longer writes would do: at 4 KiB a write costs what ten records cost;
// but on a slow device a record that need not wait for the write before its own
// gains more than that write costs. With a pace, it is the pace that bounds.
func (w *WAL) adapt() {
	l := &w.lead
	least := min(l.service.depth(), w.depth)
	switch b := w.blocks.unsent; {
	case w.cfg.Depth > 0 || l.pace.every > 0:
	case l.target < least, b != nil && b.ready() && l.target < w.depth:
		l.target++
	case b == nil && l.target > least && (w.open == nil || w.open.used < int64(w.cfg.BlockSoft)/2):
		l.target--
	}
}

// runReaper is the background goroutine: it leads when called.
func (w *WAL) runReaper() {
	defer w.done.Done()
	for {
		select {
		case <-w.stop:
			return
		case <-w.wake:
		}
		w.mu.Lock()
		// An appender may have taken the lead back since the call.
		if w.lead.holder == handed {
			w.lead.holder = reaper
			w.pump()
			w.reap(maxOffset)
		}
		w.notify()
		w.mu.Unlock()
	}
}

// watchTicks is how often a pending write is looked at within its timeout.
const watchTicks = 8

var errTimeout = errors.New("write is pending for too long")

// runWatchdog latches the log when a write hangs. It has a goroutine of its own
// because every other one may be inside of the hanging call. It counts ticks,
// which spares the hot path a look at the clock: a write is judged only after
// watchTicks whole periods, so never early.
func (w *WAL) runWatchdog() {
	defer w.done.Done()
	ticker := time.NewTicker(w.cfg.WriteTimeout / watchTicks)
	defer ticker.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
		}
		w.mu.Lock()
		w.lead.tick++
		if w.hanging() {
			w.latch(fmt.Errorf("%w: more than %v", errTimeout, w.cfg.WriteTimeout))
		}
		w.notify() // also what a reaper that hangs has been called for
		w.mu.Unlock()
	}
}

// hanging looks for a write claimed more than watchTicks periods ago.
func (w *WAL) hanging() bool {
	oldest := w.lead.tick - watchTicks
	if w.header.busy && w.header.write.since < oldest {
		return true
	}
	for b := w.blocks.first; b != nil && b.claimed; b = b.next {
		if !b.landed && b.write.since < oldest {
			return true
		}
	}
	return false
}

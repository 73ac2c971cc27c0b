package wal

import (
	"context"
	"fmt"
)

// notice is what the callbacks of Config have still to be told. Commit, the
// reaper and the watchdog deliver, one at a time and with no lock held; Reserve,
// Fill and Trim never do, but call the reaper (handOver), so that their callers
// may hold the locks that the callbacks take. Delivery is not tied to the lead:
// a leader that hangs in the device must not keep the failure from the ones who
// wait. Guarded by WAL.mu.
type notice struct {
	delivering  bool
	told        Offset // the durable end that OnDurable knows
	failed      bool   // OnDurable knows of the latch
	spaceWanted bool   // a Reserve returned ErrFull since the last OnSpace
	spaceDue    bool
}

// freed is called whenever a Reserve that failed might succeed now. The flag is
// set under the mutex in which Reserve failed: either it failed before, and is
// told, or it sees the space.
func (n *notice) freed() {
	if n.spaceWanted {
		n.spaceWanted, n.spaceDue = false, true
	}
}

// notify delivers what is due. One goroutine at a time; another one that comes
// meanwhile leaves its news to it. mu is held, but not during the callbacks.
func (w *WAL) notify() {
	n := &w.notice
	if n.delivering {
		return
	}
	n.delivering = true
	for call := w.nextCall(); call != callNothing; call = w.nextCall() {
		end, err := n.told, w.refusal()
		w.mu.Unlock()
		switch call {
		case callDurable:
			w.cfg.OnDurable(end, nil)
		case callFailed:
			w.cfg.OnDurable(end, err)
			w.path.Wake() // an appender that leads may go
		case callSpace:
			w.cfg.OnSpace()
		}
		w.mu.Lock()
	}
	n.delivering = false
	w.broadcast()
}

type call int

const (
	callNothing call = iota
	callDurable
	callFailed
	callSpace
)

// due is the next piece of news. What became durable before the latch is told
// before it. mu is held.
func (w *WAL) due() call {
	n := &w.notice
	switch {
	case n.told < w.win.start:
		return callDurable
	case w.cause != nil && !n.failed:
		return callFailed
	case n.spaceDue:
		return callSpace
	}
	return callNothing
}

// nextCall takes the next piece of news. mu is held.
func (w *WAL) nextCall() call {
	n, next := &w.notice, w.due()
	switch next {
	case callDurable:
		n.told = w.win.start
	case callFailed:
		n.failed = true
	case callSpace:
		n.spaceDue = false
	}
	return next
}

// latch makes the first failure final. mu is held; the caller notifies, or
// hands over.
func (w *WAL) latch(cause error) {
	if w.cause != nil {
		return
	}
	w.cause = cause
	w.notice.freed() // those who wait for space learn it from Reserve
	w.cfg.Logger.Error("wal latched: it takes no more records", "cause", cause, "durable", int64(w.win.start))
	w.broadcast()
}

// broadcast wakes those in await. mu is held.
func (w *WAL) broadcast() {
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

// await blocks until reached holds, OnDurable has been told of a latch, or ctx
// ends. mu is held, but not while waiting. For the slow paths only.
func (w *WAL) await(ctx context.Context, reached func() bool) error {
	for !reached() {
		if w.notice.failed && !w.notice.delivering {
			return fmt.Errorf("%w: %w", ErrLatched, w.cause)
		}
		if err := w.sleep(ctx); err != nil {
			return err
		}
	}
	return nil
}

// sleep blocks until the next broadcast or the end of ctx, whose error it
// returns. mu is held, but not while sleeping.
func (w *WAL) sleep(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.changed == nil {
		w.changed = make(chan struct{})
	}
	changed := w.changed
	w.mu.Unlock()
	defer w.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

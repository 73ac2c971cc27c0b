package wal

import (
	"context"
	"errors"
	"fmt"
)

// Reset starts a new life of the log under a new node epoch, and with it
// appends and the goroutines of the log. Whatever stands in the ring is dead
// from then on, so what Recover found has to be committed first. The new header
// is durable on return.
//
// The first offset lies more than a lap beyond every offset that the ring
// holds, intact or trimmed. So no record of an earlier life can ever be taken
// for one of this, and if Recover has not looked at the whole ring, Reset does.
func (w *WAL) Reset(ctx context.Context, nodeEpoch int64) error {
	if err := w.scanRing(ctx); err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.phase != opened || w.scan.busy || w.header.busy || w.cause != nil {
		return fmt.Errorf("reset: %w", ErrClosed)
	}
	capacity := w.ring + ringStart
	start := alignUp(max(w.header.durable.TrimOffset, w.scan.largest) + Offset(capacity))
	if start > maxOffset {
		return fmt.Errorf("reset: %w: offsets are used up, largest %d", ErrDamaged, w.scan.largest)
	}
	w.header.want = Header{
		Capacity: capacity, TrimOffset: start - 1, WindowMax: w.win.max, NodeID: w.cfg.NodeID, NodeEpoch: nodeEpoch,
	}
	w.win.start, w.win.next, w.win.wanted = start, start, w.win.max
	w.notice.told, w.header.dirty = start, true
	w.done.Add(2)
	go w.runReaper()
	go w.runWatchdog()
	if w.cfg.Tick > 0 {
		w.done.Add(1)
		go w.runTicks()
	}
	if w.cfg.Linger > 0 || w.lead.pace.every > 0 {
		w.done.Add(1)
		go w.runLinger()
	}
	w.phase = resetting
	w.kick()
	if err := w.await(ctx, func() bool { return w.header.durable.TrimOffset == start-1 }); err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	if w.phase == resetting {
		w.phase = accepting
	}
	return nil
}

// scanRing finds the largest offset in the ring, unless it is known.
func (w *WAL) scanRing(ctx context.Context) error {
	w.mu.Lock()
	skip := w.scan.whole || w.scan.busy || w.phase != opened
	w.scan.busy = w.scan.busy || !skip
	w.mu.Unlock()
	if skip {
		return nil
	}
	// Offsets from 0 to R are the positions of one lap; which lap a record
	// claims to be of does not matter here.
	s := newScanner(w.path, w.ring, w.mem.arena, 0, Offset(w.ring))
	largest, err := s.largest(ctx)
	s.reader.close()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scan.busy, w.scan.whole = false, err == nil
	w.scan.largest = max(w.scan.largest, largest)
	return err
}

// largest is the largest offset of any intact record in the scanner's range.
func (s *scanner) largest(ctx context.Context) (Offset, error) {
	largest := Offset(0)
	for at := Offset(0); at < s.end; {
		f, err := s.look(ctx, at)
		if err != nil {
			return 0, err
		}
		largest = max(largest, f.offset)
		at = step(f, at)
	}
	return largest, nil
}

// Drain returns when everything reserved before the call is durable and
// OnDurable has been told. Slots not yet filled are waited for.
func (w *WAL) Drain(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.drain(ctx)
}

func (w *WAL) drain(ctx context.Context) error {
	until := w.win.next
	w.kick()
	err := w.await(ctx, func() bool { return w.notice.told >= until && !w.notice.delivering })
	if err != nil {
		return fmt.Errorf("drain wal to %d: %w", until, err)
	}
	return nil
}

// Close drains the log and ends its goroutines. With clean, the header is
// marked as having nothing to recover, which is refused with ErrNotEmpty while
// a record is not trimmed. What cannot be made durable before ctx ends is
// failed. The path stays open: it is its opener's to close, afterwards.
func (w *WAL) Close(ctx context.Context, clean bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.phase == opened || w.phase == closing {
		w.phase = closing
		return nil
	}
	w.phase = closing // nothing new
	w.notice.freed()  // those who wait for space learn it from Reserve
	err := w.settleAll(ctx, clean)
	if err == nil && w.cause != nil {
		err = fmt.Errorf("%w: %w", ErrLatched, w.cause)
	}
	if err != nil && !errors.Is(err, ErrNotEmpty) {
		w.latch(fmt.Errorf("%w: %w", ErrClosed, err))
	}
	w.notify()
	close(w.stop)
	w.mu.Unlock()
	w.path.Wake() // a reaper of a latched log looks again, and leaves
	w.mu.Lock()
	// A leader that hangs inside of the device keeps its goroutine: then there
	// is nothing to be done but to say so.
	for w.lead.holder == appender || w.lead.holder == reaper || w.notice.delivering {
		if ctxErr := w.sleep(ctx); ctxErr != nil {
			return fmt.Errorf("close wal: a write does not return: %w", ctxErr)
		}
	}
	w.mu.Unlock()
	w.done.Wait()
	w.mu.Lock()
	return err
}

// settleAll makes everything durable, the header's last word included.
func (w *WAL) settleAll(ctx context.Context, clean bool) error {
	if err := w.drain(ctx); err != nil {
		return err
	}
	var refused error
	if clean && w.lastLive > w.header.want.TrimOffset {
		refused = fmt.Errorf("close wal: %w: newest %d, trimmed to %d", ErrNotEmpty, w.lastLive, w.header.want.TrimOffset)
	} else if clean {
		w.header.want.Clean, w.header.dirty = true, true
	}
	w.kick()
	if err := w.await(ctx, func() bool { return !w.header.dirty && !w.header.busy }); err != nil {
		return err
	}
	return refused
}

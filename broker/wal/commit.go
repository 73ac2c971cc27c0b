package wal

// Who writes, and who waits for the device
//
// Submitting needs only mu: any goroutine that has made work possible submits
// it. Reaping is one goroutine's at a time, the leader's. At low load that is
// the appender itself, so that a record meets no channel, timer or other
// goroutine on its way; when more work waits after its own is durable, it hands
// the lead to the background reaper, which keeps it while there is work. In the
// meantime appenders only reserve, fill and return from Commit, and the next
// block collects.
//
// No wake-up is lost, because work and lead change hands under mu:
//
//   - A new record: its appender calls Commit after Fill. If somebody leads,
//     that one pumps again before it lets go of the lead, and does so under mu:
//     either Commit came first and the pump sees the record, or the lead is
//     free when Commit looks.
//   - A block sealed while bytes are missing cannot be submitted, and the leader
//     does not wait for it; it may let go of the lead. The Fill that brings
//     the last byte sees missing fall to zero and pumps (filled).
//   - A writes' slot of the depth falls free only in settle, whose caller pumps.
//   - A goroutine that has claimed a write but not yet submitted it is not
//     counted in submitted, so a leader may leave meanwhile. The submitter takes
//     mu afterwards, counts, and finds the lead free: it leads, or hands over.
//     If the leader reaps that write before it is counted, submitted falls below
//     zero for a moment; a leader that therefore leaves too early is made good
//     by that same submitter, who then sees what remains.
//
// Nobody starves: an appender leads until its own records are durable and no
// longer; the reaper stops only when nothing is submitted; headers go before
// blocks where the depth is one, but are written only when a trim or a window
// asks, and one at a time.
type lead struct {
	holder     holder
	collecting bool // the leader yields before it seals: others must not seal
	inflight   int  // writes claimed, headers included
	blocks     int  // of those, blocks
	submitted  int  // writes the path has; see above for why it may be < 0
	target     int  // blocks in flight aimed at
	pace       pace
	service    service // of the device
	landed     int64   // bytes of the block that has landed last
	finished   []*write
	tick       int64 // the watchdog's
}

type holder int

const (
	nobody   holder = iota
	appender        // inside Commit
	handed          // the reaper has been called and has not begun
	reaper          // the background goroutine
)

// Commit sees to it that everything reserved and filled before the call gets
// written. If nobody leads, the caller does: it submits, and reaps until that
// data is durable or cannot be written yet. Otherwise it returns at once, and
// whoever leads takes the data along. On a slow device the background reaper
// leads: a hand-off is little there, and an appender that led would append
// nothing for the time of a write. OnDurable tells when it is durable.
func (w *WAL) Commit() {
	w.mu.Lock()
	defer w.mu.Unlock()
	until := w.win.next
	if w.lead.holder == appender || w.lead.holder == reaper {
		w.pump() // depth may be left
		if w.lead.holder != nobody || w.lead.submitted <= 0 {
			w.notify()
			return
		}
		// The leader has left while we were submitting, so this write is ours.
		w.lead.holder = appender
	} else {
		if w.idle() {
			return
		}
		if w.lead.service.slow() {
			w.kick()
			return
		}
		w.lead.holder = appender
		w.collect()
		until = w.win.next
		w.pump()
	}
	w.reap(until)
}

// idle says that nothing is there to be written or reaped.
func (w *WAL) idle() bool {
	return w.blocks.first == nil && w.open == nil && !w.header.dirty && w.lead.inflight == 0
}

// kick starts what may start, and calls the reaper if something is in flight
// and nobody leads. It runs no callback, because its callers may hold locks of
// their own which the callbacks take. mu is held, but not while submitting.
func (w *WAL) kick() {
	w.pump()
	w.handOver()
}

// handOver calls the reaper goroutine if there is something to reap and nobody
// leads, or something to tell. The channel holds one call, and the reaper looks
// at what there is to do, so one too many does nothing. mu is held.
func (w *WAL) handOver() {
	leaderless := w.lead.holder == nobody && w.lead.submitted > 0
	if leaderless {
		w.lead.holder = handed
	}
	if !leaderless && w.due() == callNothing {
		return
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// pump submits all that may be submitted. mu is held, but not during Submit.
func (w *WAL) pump() {
	for x := w.claim(); x != nil; x = w.claim() {
		w.mu.Unlock()
		err := w.path.Submit(x.list[:])
		w.mu.Lock()
		if err != nil {
			w.unclaim(x)
			w.latch(err)
			return
		}
		w.lead.submitted++
	}
}

// claim picks the next write: a header first, because a block may wait for it.
// mu is held.
func (w *WAL) claim() *write {
	l := &w.lead
	if w.cause != nil || l.inflight >= w.depth {
		return nil
	}
	var b *block
	if l.blocks < l.target {
		b = w.nextBlock()
	}
	if h := &w.header; h.dirty && !h.busy {
		l.inflight++
		h.write.since = l.tick
		w.stats.HeaderWrites++
		return h.claim(w.cfg.Clock())
	}
	if b == nil {
		return nil
	}
	w.blocks.unsent = b.next
	length := alignUp(b.used)
	clear(b.buf[b.used:length]) // the slack
	b.claimed = true
	b.write.io.Pos, b.write.io.Buf, b.write.since = w.position(b.off), b.buf[:length], l.tick
	b.write.begun = w.now()
	l.inflight++
	l.blocks++
	l.pace.take(b.write.begun, length, l.blocks)
	w.stats.Writes++
	w.stats.Units += ioUnits(length)
	w.stats.Bytes += length
	return &b.write
}

// nextBlock is the block to be written next, if it may be: filled, and inside
// of the window. It seals the open one if no other waits, and if it need not
// stay open. mu is held.
func (w *WAL) nextBlock() *block {
	if w.cfg.Tick > 0 && !w.linger.ticked {
		return nil
	}
	b := w.blocks.unsent
	if b == nil {
		if w.open == nil || !w.mayClose() {
			return nil
		}
		b = w.open
		w.seal(b)
	}
	if !b.ready() {
		return nil
	}
	if w.win.fits(b.end()) {
		return b
	}
	if !b.stalled {
		b.stalled = true
		w.stats.WindowStalls++
	}
	if w.win.grow(b.end()) {
		w.header.want.WindowMax, w.header.dirty = w.win.wanted, true
	}
	return nil
}

// unclaim takes back a write that Submit refused. mu is held.
func (w *WAL) unclaim(x *write) {
	w.lead.inflight--
	if x.block != nil {
		w.lead.blocks--
		x.block.claimed = false
	} else {
		w.header.busy = false
	}
}

package wal

import (
	"sync/atomic"
	"time"

	"github.com/tidelog/tide/iopath"
)

// write is one write to the path, of a block or of a header. It is made once
// and used again, so that writing allocates nothing.
type write struct {
	io    iopath.Write
	list  [1]*iopath.Write // = &io, as Submit wants it
	block *block           // nil: the header
	since int64            // the watchdog's tick at the claim
	begun time.Duration    // since the log's epoch: when it was claimed
}

// init binds the write to what it writes and to the list that its completion
// goes on. finished is touched only inside Reap, and there is one reaper.
func (x *write) init(b *block, finished *[]*write) {
	x.block = b
	x.list[0] = &x.io
	x.io.Done = func(*iopath.Write) { *finished = append(*finished, x) }
}

// block is a run of records that is written at once.
//
//	open ──seal──▶ sealed ──claim──▶ writing ──settle──▶ (durable in order) free
//
// missing counts the bytes that are reserved and not yet filled, plus one as
// long as the block is open. Whoever takes it to zero, the last Fill or the
// seal, is the one that makes the block ready to be written: exactly one of
// them sees the zero, so the block is never forgotten and never ready twice.
type block struct {
	w       *WAL
	write   write
	missing atomic.Int64

	// Guarded by WAL.mu, but buf, which slots reach without it: it does not
	// change from the first Reserve until the last byte is filled.
	off     Offset
	buf     []byte // capacity of the block, from the arena
	used    int64  // bytes reserved
	memEnd  int64  // give this back to the arena's ring
	claimed bool
	landed  bool
	stalled bool // counted as a window stall
	next    *block
}

// end is where the next block begins.
func (b *block) end() Offset { return b.off + Offset(alignUp(b.used)) }

// ready says that the block is sealed and filled.
func (b *block) ready() bool { return b.missing.Load() == 0 }

// blockList holds the sealed blocks that are not yet durable, in offset order.
// Its length is bounded by the arena.
//
//	first ─▶ writing ─▶ writing ─▶ unsent ─▶ sealed ─▶ last
type blockList struct {
	first, unsent, last *block
}

func (l *blockList) push(b *block) {
	b.next = nil
	if l.last == nil {
		l.first = b
	} else {
		l.last.next = b
	}
	l.last = b
	if l.unsent == nil {
		l.unsent = b
	}
}

func (l *blockList) pop() *block {
	b := l.first
	l.first = b.next
	if l.first == nil {
		l.last = nil
	}
	return b
}

// newBlock makes a block at win.next over buf. mu is held.
func (w *WAL) newBlock(buf []byte, memEnd int64) *block {
	var b *block
	if n := len(w.free); n > 0 {
		b, w.free = w.free[n-1], w.free[:n-1]
	} else {
		b = &block{w: w}
		b.write.init(b, &w.lead.finished)
	}
	b.off, b.buf, b.memEnd, b.used = w.win.next, buf, memEnd, 0
	b.claimed, b.landed, b.stalled = false, false, false
	b.missing.Store(1)
	return b
}

// seal closes b to further records and queues it. mu is held.
func (w *WAL) seal(b *block) {
	if b == w.open {
		unused := int64(len(b.buf)) - alignUp(b.used)
		w.mem.shrink(unused)
		b.memEnd -= unused
		w.open = nil
	}
	b.missing.Add(-1)
	w.blocks.push(b)
}

// recycle takes a block back whose bytes are durable. mu is held.
func (w *WAL) recycle(b *block) {
	w.mem.give(b.memEnd)
	b.buf, b.next = nil, nil
	w.free = append(w.free, b)
}

// openBlock makes room for size bytes in a new block, behind padding where the
// ring ends before. On ErrFull nothing has changed. mu is held.
func (w *WAL) openBlock(size int64) error {
	need, gap := alignUp(size), int64(0)
	if left := w.untilEnd(w.win.next); left < need {
		gap = left
	}
	at := w.win.next + Offset(gap)
	room := int64(w.spaceEnd() - at)
	if room < need {
		w.stats.RingFull++
		return ErrFull
	}
	before := w.mem
	pad, padEnd := []byte(nil), int64(0)
	if gap > 0 {
		pad, padEnd = w.mem.take(gap, gap)
	}
	buf, memEnd := w.mem.take(need, min(max(w.hard, need), room, w.untilEnd(at)))
	if buf == nil || (gap > 0 && pad == nil) {
		w.mem = before
		w.stats.MemoryFull++
		return ErrFull
	}
	if gap > 0 {
		w.pad(pad, padEnd)
	}
	w.open = w.newBlock(buf, memEnd)
	w.startLinger()
	return nil
}

// pad queues a padding record over the rest of the lap. mu is held.
func (w *WAL) pad(buf []byte, memEnd int64) {
	b := w.newBlock(buf, memEnd)
	b.used = int64(len(buf))
	encodePadding(buf, b.off)
	w.win.next = b.end()
	w.stats.PaddingBytes += b.used
	w.seal(b)
}

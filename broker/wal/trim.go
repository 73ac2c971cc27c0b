package wal

import "fmt"

// headerState is what the two slots hold, and what they should. One header
// write is in flight at a time, always to the slot that does NOT hold the
// newest valid header, and only a completed one counts. What is asked for in
// the meantime is collected into the next. Guarded by WAL.mu.
type headerState struct {
	buf     []byte // 4 KiB of the arena
	write   write
	slot    int // of the durable header; −1: neither slot is valid
	found   slots
	durable Header // Version, TrimOffset, … that a crash would find
	want    Header // Version is given when it is written
	writing Header
	dirty   bool // want differs from what is durable or being written
	busy    bool // a write is in flight
}

// open takes over what Open has read.
func (h *headerState) open(found slots, buf []byte) {
	h.found, h.slot, h.buf = found, found.newest(), buf
	if h.slot >= 0 {
		h.durable = found[h.slot].header
	}
}

// claim encodes what is wanted and returns the write of it.
func (h *headerState) claim(clock int64) *write {
	target := 0
	if h.slot >= 0 {
		target = 1 - h.slot
	}
	h.writing = h.want
	// The clock of another host may be ahead; the version grows all the same.
	h.writing.Version = max(h.durable.Version+1, clock)
	h.writing.encode(h.buf)
	h.dirty, h.busy = false, true
	h.write.io.Pos, h.write.io.Buf = int64(target)*blockSize, h.buf
	return &h.write
}

// landed takes over a header that is durable now.
func (h *headerState) landed() {
	if h.slot < 0 {
		h.slot = 0
	} else {
		h.slot = 1 - h.slot
	}
	h.durable, h.busy = h.writing, false
}

// Trim says that the record at off, and every one before it, is needed no more.
// It returns at once: the header is written in the background, one at a time,
// and the newest of several trims wins. The space is free, and OnSpace runs,
// only once that header is durable: the record AT off stays readable, because
// recovery finds its successor through it.
func (w *WAL) Trim(off Offset) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.refusal(); err != nil {
		return err
	}
	if off > w.lastLive || off >= w.win.start {
		return fmt.Errorf("wal: trim to %d, beyond the durable end %d or the newest record %d", off, w.win.start, w.lastLive)
	}
	if off <= w.header.want.TrimOffset {
		return nil
	}
	w.header.want.TrimOffset, w.header.dirty = off, true
	w.kick()
	return nil
}

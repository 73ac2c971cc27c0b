package wal

import "fmt"

// Slot is the place of one record, between Reserve and Fill. It is a value and
// costs no allocation.
type Slot struct {
	Offset Offset // of the record; this is what Trim takes

	block *block
	at    int64 // in the block
	size  int64 // header and body
}

// Reserve takes the place of a record with a body of n bytes. It never blocks:
// ErrFull (try again after OnSpace), ErrTooLarge (never), ErrLatched, or
// ErrClosed. Offsets grow in the order of the calls. Every slot must be filled,
// exactly once and soon: the block it lies in, and all blocks behind, wait.
func (w *WAL) Reserve(n int) (Slot, error) {
	if n < 0 || n > w.MaxBody() {
		return Slot{}, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, n, w.MaxBody())
	}
	size := int64(n) + recordHeaderLength
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.refusal(); err != nil {
		return Slot{}, err
	}
	if b := w.open; b != nil && b.used+size > int64(len(b.buf)) {
		w.seal(b) // if that makes it ready, the Commit of this record writes it
	}
	if w.open == nil {
		if err := w.openBlock(size); err != nil {
			// Whoever waits for space waits for writes to end, so somebody has
			// to be reaping them, even if no appender comes back to Commit.
			w.notice.spaceWanted = true
			w.kick()
			return Slot{}, err
		}
	}
	return w.take(size), nil
}

// take hands out the next size bytes of the open block. mu is held.
func (w *WAL) take(size int64) Slot {
	b := w.open
	s := Slot{Offset: b.off + Offset(b.used), block: b, at: b.used, size: size}
	b.used += size
	b.missing.Add(size)
	w.win.next = b.end()
	w.lastLive = s.Offset
	w.stats.Records++
	if b.used >= int64(w.cfg.BlockSoft) || b.used == int64(len(b.buf)) {
		w.seal(b) // not ready yet: the caller's own bytes are missing
	}
	return s
}

// Fill copies head and payload, one after the other, into the slot and sums
// them in the same pass. It needs no lock. The slot must not be used again.
func (s Slot) Fill(head, payload []byte) {
	body := s.size - recordHeaderLength
	if int64(len(head))+int64(len(payload)) != body {
		panic(fmt.Sprintf("wal: slot at %d reserved for %d bytes, filled with %d + %d", s.Offset, body, len(head), len(payload)))
	}
	dst := s.block.buf[s.at : s.at+s.size]
	recordHeader{
		bodyLength: body, bodyOffset: s.Offset + recordHeaderLength, bodyCRC: copyBody(dst[recordHeaderLength:], head, payload),
	}.encode(dst)
	if s.block.missing.Add(-s.size) == 0 {
		s.block.w.filled()
	}
}

// filled runs in the Fill that completes a block sealed before. Its caller
// comes to Commit too, but perhaps only after a long batch, or after waiting
// for space in this very log: others' records must not hang on that.
func (w *WAL) filled() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kick()
}

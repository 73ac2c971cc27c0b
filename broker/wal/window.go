package wal

// window bounds how far behind the durable prefix a write may lie, and with it
// how far recovery has to look behind the end of the log.
//
//	        start                 next
//	──durable──┤── in flight ──┤ sealed ┤ open block
//	           ├──────── max ────────────────┤  no block that is written ends beyond
//
// max is what the durable header says. A block that needs more waits until a
// header with the larger value is durable: else a crash could leave records in
// flight beyond the range in which recovery takes them for that.
type window struct {
	start  Offset // everything before is durable; aligned
	next   Offset // where the next block begins, or the open one ends; aligned
	max    int64  // bytes, durable
	wanted int64  // bytes, ≥ max; being written to the header when larger
	step   int64
	limit  int64
}

// fits reports whether a block that ends at end may be written now.
func (w *window) fits(end Offset) bool { return int64(end-w.start) <= w.max }

// grow asks for a window in which a block ending at end fits, as far as the
// limit allows. It reports whether a header has to be written for that; if not,
// the block waits for start to advance. A block alone always fits: none is
// longer than limit.
func (w *window) grow(end Offset) bool {
	if w.wanted > w.max || w.max >= w.limit {
		return false
	}
	steps := (int64(end-w.start) - w.max + w.step - 1) / w.step
	w.wanted = min(w.max+max(steps, 1)*w.step, w.limit)
	return true
}

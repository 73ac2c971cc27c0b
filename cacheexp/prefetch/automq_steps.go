package prefetch

const (
	automqStep  = automqFirst
	automqPause = 60e9 // ns
)

// step is advance as AutoMQ's StreamReader has it since 2025: a piece is longer by
// 512 KiB than the one before for each block that the reader had to wait for, up to
// 32 MiB, and when a block that was read ahead is gone before it is read, nothing
// is read ahead for a minute, and then from 512 KiB on.
//
//	size      512 KiB ─ wait ▶ 1 MiB ─ wait ▶ 1.5 MiB … ─ gone ▶ pause ─▶ 512 KiB
//
// Where it differs besides what automq does: AutoMQ has one piece under way at a
// time and counts the waits meanwhile; a prefetcher is not told when a piece has
// come, so here a piece may be due while the one before is on its way. And AutoMQ
// asks the cache for room; here the driver drops what has none.
func (w *walk) step(a Access) bool {
	expected := w.left > 0
	w.left = max(w.left-1, 0)
	if expected && !a.Hit { // it was evicted unread
		w.rest()
		w.paused = a.Now + automqPause
	}
	if a.Now < w.paused {
		return false
	}
	if a.Late || !a.Hit {
		w.size = min(w.size+automqStep, automqMost)
	}
	return w.left == 0 || w.left < w.piece
}

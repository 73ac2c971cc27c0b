package wal

import "fmt"

// blankLength is how much of a device without a header is looked at: file
// systems, volume managers and partition tables begin within it.
const blankLength = 1 << 20

// Blank returns ErrForeign when a device without any valid header holds
// something else at its beginning: a file given by mistake, or a log whose
// header has rotted. A new file is zeros. It belongs between Open and Reset,
// and not beside a Recover: both read into the arena.
func (w *WAL) Blank() error {
	buf := w.mem.arena[:min(blankLength, int64(len(w.mem.arena)), w.path.Geometry().Capacity)]
	if _, err := w.path.ReadAt(buf, 0); err != nil {
		return fmt.Errorf("look for other content: %w", err)
	}
	for i, b := range buf {
		if b != 0 {
			return fmt.Errorf("%w: there is no header, and something else at byte %d", ErrForeign, i)
		}
	}
	return nil
}

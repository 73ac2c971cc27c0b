package wal

// memory hands out pieces of the arena in a ring. Blocks are taken and given
// back in the order of their offsets, so two counters are all it needs; a piece
// is contiguous, and what is left at the end of the arena when one does not fit
// is skipped and comes back with the piece that follows.
//
//	0 ───── head ══════ in use ══════ tail ───── len(arena)
//
// Not safe for concurrent use: WAL.mu guards it.
type memory struct {
	arena      []byte
	head, tail int64 // grow for ever; place in the arena = value mod len(arena)
}

// take returns between low and high bytes, as many as are there in one piece;
// nil when not even low are free. give(end) frees everything up to the piece's
// end.
func (m *memory) take(low, high int64) (piece []byte, end int64) {
	size := int64(len(m.arena))
	if m.head == m.tail {
		m.head, m.tail = 0, 0
	}
	at := m.tail % size
	free, tailRoom := size-(m.tail-m.head), size-at
	here := min(high, free, tailRoom)
	// A full-sized piece after the wrap beats a scrap before it: scraps become
	// short writes.
	wrapped := min(high, free-tailRoom)
	switch {
	case here >= low && (here >= high || wrapped < high):
		m.tail += here
		return m.arena[at : at+here : at+here], m.tail
	case wrapped >= low:
		m.tail += tailRoom + wrapped
		return m.arena[:wrapped:wrapped], m.tail
	}
	return nil, 0
}

// shrink gives back the last n bytes of the piece taken last.
func (m *memory) shrink(n int64) { m.tail -= n }

// give frees everything up to end.
func (m *memory) give(end int64) { m.head = end }

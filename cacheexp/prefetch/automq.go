package prefetch

import "errors"

// Sizes of AutoMQ's read-ahead, in bytes.
const (
	automqFirst = 512 << 10
	automqMost  = 32 << 20
)

func init() {
	register("automq", func(arg string) (Prefetcher, error) {
		p := &automq{walks: newRuns[walk](mostReaders), due: (*walk).step}
		switch arg {
		case "":
		case "2024":
			p.due = (*walk).advance
		default:
			return nil, errors.New("want automq, or automq:2024 for AutoMQ's rule of that year")
		}
		return p, nil
	})
}

// automq is the read-ahead of AutoMQ's StreamReader (its s3stream module), written
// from its behaviour, in two forms: as it is since 2025 (automq, automq_steps.go)
// and as it was in 2024 (automq:2024, this file):
//
//	          mark          end
//	──read──▶──┼─────────────┼
//	           │ last piece  │ next piece ─▶
//
// It reads ahead in pieces. When the reader comes into the last piece, the next
// one is fetched behind it, so that between one and two pieces lie ahead. A
// piece has 512 KiB at first; when the reader has overtaken the end, the next
// one is twice as long as the last, up to 32 MiB. When a block that was read
// ahead is gone before it is read, the cache is too small for this, and it
// starts again, with what is behind that block: the rest of its piece is as
// likely gone, or never had room.
//
// Where it differs: it begins with the second of two consecutive blocks, so
// that a look-up of one record costs no GET beyond its block. A reader that has
// to wait for a block on its way doubles the size too, once for each piece:
// otherwise a slow store is read with as little ahead as a fast one, because
// a reader that waits overtakes nothing. And no reader gets more than its share
// of the room that there is for all.
//
// And one thing of AutoMQ's is left out of automq:2024: after a block was gone
// before it was read it reads nothing ahead for a minute.
type automq struct {
	walks *runs[walk]
	due   func(*walk, Access) bool // counts one block as read and tells whether a piece is due
}

// walk is one reader's way through its stream. Blocks are counted, since where
// they end is known to the indexes only.
type walk struct {
	place
	size     int64 // of the next piece, bytes
	left     int   // blocks ahead that were proposed
	piece    int   // of these, the blocks of the last piece
	patience int   // blocks to read until waiting may double the size again
	now      int64 // of the last access
	paused   int64 // until when nothing is read ahead by the rule of 2025, ns
}

// Access proposes the next piece when the reader has come into the last one.
func (p *automq) Access(a Access, ahead Ahead, dst []Block) []Block {
	w, fresh := p.walks.touch(a.Reader)
	w.now = a.Now
	switch w.move(a, fresh) {
	case stayed: // a fetch takes a part of a block at a time
		return dst
	case jumped:
		w.rest()
		return dst
	case started:
		w.rest()
	}
	before := w.size
	if !p.due(w, a) {
		return dst
	}
	n := len(dst)
	size := min(w.size, p.walks.share(a.Room, func(w *walk) bool { return idle(a.Now, w.now) }))
	if dst = w.propose(size, ahead, dst); len(dst) == n {
		w.size = min(w.size, before) // a reader at the end of what is known is not a fast one
	}
	return dst
}

// rest forgets what lies ahead; the next piece is a first one.
func (w *walk) rest() {
	w.size, w.left, w.piece, w.patience = automqFirst, 0, 0, 0
}

// advance counts one block as read and tells whether a piece is due.
func (w *walk) advance(a Access) bool {
	expected := w.left > 0
	w.left, w.patience = max(w.left-1, 0), max(w.patience-1, 0)
	switch {
	case expected && !a.Hit: // it was evicted unread, or there was no room for it
		w.rest()
	case w.left == 0:
		w.grow()
	case a.Late && w.patience == 0:
		w.grow()
		w.patience = w.left + 1 // what was asked for before tells nothing about the new size
		return true
	}
	return w.left == 0 || w.left < w.piece
}

func (w *walk) grow() { w.size = min(w.size*2, automqMost) }

// propose appends the blocks behind those that were proposed before, until they
// make a piece. Where the known blocks end, it tries again at the next access.
func (w *walk) propose(size int64, ahead Ahead, dst []Block) []Block {
	before := len(dst)
	dst, _ = stretch(ahead, w.left, size, dst)
	if n := len(dst) - before; n > 0 {
		w.left, w.piece = w.left+n, n
	}
	return dst
}

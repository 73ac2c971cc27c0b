package prefetch

import "fmt"

// Sizes of AutoMQ's read-ahead, in bytes.
const (
	automqFirst = 512 << 10
	automqMost  = 32 << 20

	automqReaders = 4096 // readers remembered; the stalest one is forgotten
	// automqIdle is when a reader that asks for nothing no longer has a share of
	// the room, in ns.
	automqIdle = 10e9
)

func init() {
	register("automq", func(n int) (Prefetcher, error) {
		if n != 0 {
			return nil, fmt.Errorf("prefetcher automq takes no number, found %d", n)
		}
		return &automq{walks: newRuns[walk](automqReaders)}, nil
	})
}

// automq is the read-ahead of AutoMQ's StreamReader (its s3stream module, 2024
// to 2026), written from its behaviour:
//
//	          mark          end
//	──read──▶──┼─────────────┼
//	           │ last piece  │ next piece ─▶
//
// It reads ahead in pieces. When the reader comes into the last piece, the next
// one is fetched behind it, so that between one and two pieces lie ahead. A
// piece has 512 KiB at first; when the reader has overtaken the end, the next
// one is twice as long as the last, up to 32 MiB. When a block that was read
// ahead is gone before it is read, the cache is too small for this, and the
// size starts again.
//
// Where it differs: it begins with the second of two consecutive blocks, so
// that a look-up of one record costs no GET beyond its block. A reader that has
// to wait for a block on its way doubles the size too, once for each piece:
// otherwise a slow store is read with as little ahead as a fast one, because
// a reader that waits overtakes nothing. And no reader gets more than its share
// of the room that there is for all.
type automq struct {
	walks *runs[walk]
}

// walk is one reader's way through its stream. Blocks are counted, since where
// they end is known to the indexes only.
type walk struct {
	start, end int64 // offsets of the block read last
	sequential bool  // two consecutive blocks were read
	size       int64 // of the next piece, bytes
	left       int   // blocks ahead that were proposed
	piece      int   // of these, the blocks of the last piece
	patience   int   // blocks to read until waiting may double the size again
	now        int64 // of the last access
}

// Access proposes the next piece when the reader has come into the last one.
func (p *automq) Access(a Access, ahead Ahead, dst []Block) []Block {
	w, fresh := p.walks.touch(a.Reader)
	again := !fresh && a.Start == w.start && a.End == w.end
	follows := !fresh && a.Start == w.end
	w.start, w.end, w.now = a.Start, a.End, a.Now
	switch {
	case again: // a fetch takes a part of a block at a time
		return dst
	case !follows:
		w.rest()
		return dst
	case !w.sequential:
		w.rest()
		w.sequential = true
	}
	before := w.size
	if !w.advance(a) {
		return dst
	}
	n := len(dst)
	if dst = w.propose(min(w.size, p.share(a)), ahead, dst); len(dst) == n {
		w.size = min(w.size, before) // a reader at the end of what is known is not a fast one
	}
	return dst
}

// rest forgets what lies ahead; the next piece is a first one.
func (w *walk) rest() {
	w.sequential, w.size, w.left, w.piece, w.patience = false, automqFirst, 0, 0, 0
}

// advance counts one block as read and tells whether a piece is due.
func (w *walk) advance(a Access) bool {
	expected := w.left > 0
	w.left, w.patience = max(w.left-1, 0), max(w.patience-1, 0)
	switch {
	case expected && !a.Hit: // it was evicted unread
		w.size = automqFirst
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
	bytes, n := int64(0), 0
	for i := 1; bytes < size; i++ {
		b, ok := ahead.Next(i)
		if !ok {
			break
		}
		if i <= w.left {
			continue
		}
		dst = append(dst, b)
		bytes, n = bytes+int64(b.Size), n+1
	}
	if n > 0 {
		w.left, w.piece = w.left+n, n
	}
	return dst
}

// share is the most that a piece of one reader may have, in bytes. Two pieces
// of each reader that is about must find room.
func (p *automq) share(a Access) int64 {
	if a.Room == 0 {
		return automqMost
	}
	p.walks.forget(func(w *walk) bool { return a.Now-w.now > automqIdle })
	return max(a.Room/2/int64(p.walks.len()), 1)
}

package prefetch

const (
	// mostReaders are remembered by a prefetcher; the stalest one is forgotten.
	mostReaders = 4096
	// idleAfter is when a reader that asks for nothing no longer has a share of
	// the room, in ns.
	idleAfter = 10e9
)

// idle says that a reader last seen at one time has gone away by another.
func idle(now, seen int64) bool { return now-seen > idleAfter }

// place is where a reader is in its stream, and whether it walks: whether it has
// read two consecutive blocks. Whoever looks up one record by its offset reads
// one block, and shall cost no GET beyond it.
type place struct {
	start, end int64 // offsets of the block read last
	sequential bool
}

// moved is what an access was.
type moved int

const (
	jumped  moved = iota // anywhere, the first access included
	stayed               // the same block again: a fetch takes a part of it at a time
	started              // the second of two consecutive blocks
	went                 // a later one
)

// move takes the reader to the block of its access.
func (p *place) move(a Access, fresh bool) moved {
	again := !fresh && a.Start == p.start && a.End == p.end
	follows := !fresh && a.Start == p.end
	walked := p.sequential
	p.start, p.end = a.Start, a.End
	switch {
	case again:
		return stayed
	case !follows:
		p.sequential = false
		return jumped
	case !walked:
		p.sequential = true
		return started
	default:
		return went
	}
}

// stretch appends the known blocks behind the first skip ones until they make
// size bytes, and tells how many bytes they have.
func stretch(ahead Ahead, skip int, size int64, dst []Block) (out []Block, bytes int64) {
	for i := 1; bytes < size; i++ {
		b, ok := ahead.Next(i)
		if !ok {
			break
		}
		if i > skip {
			dst = append(dst, b)
			bytes += int64(b.Size)
		}
	}
	return dst, bytes
}

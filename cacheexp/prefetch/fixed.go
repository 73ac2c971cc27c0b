package prefetch

import "fmt"

const (
	fixedBlocks     = 4    // blocks ahead when the spec gives no number
	fixedMostBlocks = 1024 // more is a mistake in the spec
	fixedReaders    = 4096 // readers remembered; the stalest one is forgotten
)

func init() {
	register("fixed", func(n int) (Prefetcher, error) {
		if n == 0 {
			n = fixedBlocks
		}
		if n > fixedMostBlocks {
			return nil, fmt.Errorf("prefetcher fixed:%d: at most %d blocks", n, fixedMostBlocks)
		}
		return &fixed{ahead: n, readers: make(map[Reader]*run), limit: fixedReaders}, nil
	})
}

// fixed keeps a set number of blocks ahead of each reader that has read two
// consecutive blocks, and of nobody else: a single look-up by offset costs no
// extra GET.
//
// Reading the same block again (a fetch takes a part of it at a time) neither
// starts nor ends a run. It repeats the proposal, so that blocks that were
// dropped when the cache was busy get another chance.
type fixed struct {
	ahead   int
	limit   int // readers remembered at most
	readers map[Reader]*run
	oldest  *run // the run that was not touched longest; runs form a ring through it
}

// run is one reader's latest access.
type run struct {
	reader     Reader
	start, end int64 // offsets of the block read last
	sequential bool  // it was the second of two consecutive blocks, or a later one
	prev, next *run  // ring, oldest first
}

// Access proposes the next blocks once the reader is sequential.
func (p *fixed) Access(a Access, ahead Ahead, dst []Block) []Block {
	r := p.touch(a)
	switch {
	case a.Start == r.start && a.End == r.end: // the same block again
	case a.Start == r.end:
		r.sequential = true
	default:
		r.sequential = false
	}
	r.start, r.end = a.Start, a.End
	if !r.sequential {
		return dst
	}
	for i := 1; i <= p.ahead; i++ {
		b, ok := ahead.Next(i)
		if !ok {
			break
		}
		dst = append(dst, b)
	}
	return dst
}

// touch finds or makes the reader's run and makes it the newest. At the limit
// the oldest run is taken over, so that readers that went away cost nothing.
func (p *fixed) touch(a Access) *run {
	r := p.readers[a.Reader]
	switch {
	case r != nil:
		p.unlink(r)
	case len(p.readers) < p.limit:
		r = &run{}
	default:
		r = p.oldest
		p.unlink(r)
		delete(p.readers, r.reader)
		*r = run{}
	}
	if p.readers[a.Reader] == nil {
		// A new run begins as if this very block had been read before.
		r.reader, r.start, r.end = a.Reader, a.Start, a.End
		p.readers[a.Reader] = r
	}
	p.linkNewest(r)
	return r
}

func (p *fixed) unlink(r *run) {
	if p.oldest == r {
		p.oldest = r.next
	}
	if p.oldest == r { // it was alone
		p.oldest = nil
	}
	r.prev.next, r.next.prev = r.next, r.prev
}

// linkNewest puts r at the end of the ring, which is just before the oldest.
func (p *fixed) linkNewest(r *run) {
	if p.oldest == nil {
		r.prev, r.next, p.oldest = r, r, r
		return
	}
	r.prev, r.next = p.oldest.prev, p.oldest
	r.prev.next, r.next.prev = r, r
}

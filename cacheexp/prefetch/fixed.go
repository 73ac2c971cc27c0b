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
		return &fixed{ahead: n, readers: newRuns[step](fixedReaders)}, nil
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
	readers *runs[step]
}

// step is one reader's latest access.
type step struct {
	start, end int64 // offsets of the block read last
	sequential bool  // it was the second of two consecutive blocks, or a later one
}

// Access proposes the next blocks once the reader is sequential.
func (p *fixed) Access(a Access, ahead Ahead, dst []Block) []Block {
	r, fresh := p.readers.touch(a.Reader)
	switch {
	case fresh:
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

package prefetch

import (
	"fmt"
	"strconv"
)

const (
	fixedBlocks     = 4    // blocks ahead when the spec gives no number
	fixedMostBlocks = 1024 // more is a mistake in the spec
)

func init() {
	register("fixed", func(arg string) (Prefetcher, error) {
		n, err := fixedBlocks, error(nil)
		if arg != "" {
			n, err = strconv.Atoi(arg)
		}
		if err != nil || n < 1 || n > fixedMostBlocks {
			return nil, fmt.Errorf("want fixed:N with a number of blocks from 1 to %d", fixedMostBlocks)
		}
		return &fixed{ahead: n, readers: newRuns[place](mostReaders)}, nil
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
	readers *runs[place]
}

// Access proposes the next blocks once the reader is sequential.
func (p *fixed) Access(a Access, ahead Ahead, dst []Block) []Block {
	at, fresh := p.readers.touch(a.Reader)
	if at.move(a, fresh); !at.sequential {
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

package timed

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/cacheexp/trace"
)

// Source is a trace, from its beginning to io.EOF. A *trace.Reader is one.
type Source interface {
	Next() (trace.Access, error)
}

// mostBlocks bounds a catalog: about 2.5 GiB of memory.
const mostBlocks = 1 << 24

// id is a block's place in its catalog.
type id = int32

const nobody id = -1

// block is what is known of one.
type block struct {
	prefetch.Block
	pages      int32
	stream     int64
	start, end int64
	next       id   // what follows in its stream
	later      bool // it does not exist from the beginning: the trace says when
}

// Catalog is all blocks of a trace, and what follows what. It is read only once
// it is made: several replays may share it.
type Catalog struct {
	blocks   []block
	ids      map[policy.Key]id
	objects  map[int64][]id // by position
	readable int64          // bytes of all blocks that readers asked for
	asked    map[id]struct{}
}

// NewCatalog reads a trace to its end.
func NewCatalog(s Source) (*Catalog, error) {
	c := &Catalog{ids: map[policy.Key]id{}, objects: map[int64][]id{}, asked: map[id]struct{}{}}
	for {
		a, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := c.add(a); err != nil {
			return nil, err
		}
	}
	c.link()
	return c, nil
}

// Blocks is how many distinct ones readers asked for.
func (c *Catalog) Blocks() int64 { return int64(len(c.asked)) }

// Bytes are theirs: the footprint.
func (c *Catalog) Bytes() int64 { return c.readable }

func (c *Catalog) add(a trace.Access) error {
	if !a.Kind.Demand() && a.Kind != trace.Prefetch && a.Kind != trace.Commit {
		return nil
	}
	key := policy.Key{Object: a.Object, Position: a.Position}
	i, known := c.ids[key]
	if !known {
		if len(c.blocks) == mostBlocks {
			return fmt.Errorf("more than %d distinct blocks: take a part of the trace", mostBlocks)
		}
		i = id(len(c.blocks))
		c.ids[key] = i
		c.objects[a.Object] = append(c.objects[a.Object], i)
		c.blocks = append(c.blocks, block{
			Block:  prefetch.Block{Object: a.Object, Position: a.Position, Size: a.Size},
			stream: a.Stream, start: a.Start, end: a.End, pages: a.Pages, next: nobody, later: a.Kind == trace.Commit,
		})
	}
	if _, before := c.asked[i]; a.Kind.Demand() && !before {
		c.asked[i] = struct{}{}
		c.readable += int64(c.blocks[i].Size)
	}
	return nil
}

// link finds what follows each block. A trace without offsets has no streams.
func (c *Catalog) link() {
	streams := map[int64][]id{}
	for i, b := range c.blocks {
		if b.end > b.start {
			streams[b.stream] = append(streams[b.stream], id(i))
		}
	}
	for _, ids := range streams {
		slices.SortFunc(ids, func(x, y id) int {
			a, b := &c.blocks[x], &c.blocks[y]
			return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.Object, b.Object))
		})
		for _, i := range ids {
			c.blocks[i].next = c.follower(ids, &c.blocks[i])
		}
	}
	for _, ids := range c.objects {
		slices.SortFunc(ids, func(x, y id) int { return cmp.Compare(c.blocks[x].Position, c.blocks[y].Position) })
	}
}

// follower is the first block at or behind b's end. After a compaction several
// objects hold the same offsets: b's own object goes before the others, and then
// the newest.
func (c *Catalog) follower(sorted []id, b *block) id {
	from, _ := slices.BinarySearchFunc(sorted, b.end, func(x id, end int64) int { return cmp.Compare(c.blocks[x].start, end) })
	best, start := nobody, int64(math.MaxInt64)
	for _, i := range sorted[from:] {
		n := &c.blocks[i]
		if n.start > start {
			break
		}
		best, start = i, n.start
		if n.Object == b.Object {
			break
		}
	}
	return best
}

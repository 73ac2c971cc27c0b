package logcache

import (
	"slices"
	"sort"

	"github.com/tidelog/tide/broker/object"
)

// Block is one run of the ring that becomes durable, is uploaded and is freed
// as a whole.
type Block struct {
	cache      *Cache
	start, end int64 // ring positions that only grow
	bytes      int64 // encoded bytes, without what was skipped at the ring's end
	streams    map[int64]*run
	committed  bool // guarded by cache.mu
	pins       int  // readers; guarded by cache.mu
}

// run is what one stream has in one block, in offset order.
type run struct {
	block   *Block
	entries []entry
	payload int64
}

// entry is one batch. It holds no pointer, so the garbage collector does not
// look at runs.
type entry struct {
	base  int64
	pos   int64 // in the memory
	count int32
	size  int32 // encoded, header included
}

func (e entry) end() int64 { return e.base + int64(e.count) }

// Bytes is the size of all batches of the block, encoded.
func (b *Block) Bytes() int64 { return b.bytes }

// Streams are the ids of the streams in the block, ascending. Like Batches it
// is for the block's uploader: the block must be sealed.
func (b *Block) Streams() []int64 {
	ids := make([]int64, 0, len(b.streams))
	for id := range b.streams {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// PayloadBytes is the sum of the payload lengths of one stream in the block.
func (b *Block) PayloadBytes(stream int64) int64 {
	if r := b.streams[stream]; r != nil {
		return r.payload
	}
	return 0
}

// Batches calls fn for each encoded batch of the stream, in offset order. The
// slices lie in the cache and stay as they are until Committed.
func (b *Block) Batches(stream int64, fn func(encoded []byte) error) error {
	r := b.streams[stream]
	if r == nil {
		return nil
	}
	for _, e := range r.entries {
		// The capacity runs on, so that object.Writer can join neighbours.
		if err := fn(b.cache.mem[e.pos : e.pos+int64(e.size)]); err != nil {
			return err
		}
	}
	return nil
}

// Release takes a reader's pin off.
func (b *Block) Release() {
	if b.unpin() && b.cache.onRoom != nil {
		b.cache.onRoom()
	}
}

// unpin reports whether somebody waits for the block to be free.
func (b *Block) unpin() bool {
	c := b.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.pins--; b.pins < 0 {
		panic("logcache: Release of a block that is not pinned")
	}
	if b.pins > 0 || !c.wanted {
		return false
	}
	c.wanted = false
	return true
}

// series is what one stream has in the cache: a run a block, oldest first.
type series struct{ runs []*run }

// dropOldest forgets the run of a block that is being freed, which is always
// the first, and reports whether nothing is left.
func (s *series) dropOldest(b *Block) bool {
	if len(s.runs) == 0 || s.runs[0].block != b {
		panic("logcache: blocks are freed out of order")
	}
	s.runs[0] = nil
	s.runs = s.runs[1:]
	return len(s.runs) == 0
}

// find returns the run and the entry that hold the offset.
func (s *series) find(offset int64) (ri, ei int, ok bool) {
	ri = sort.Search(len(s.runs), func(i int) bool {
		es := s.runs[i].entries
		return es[len(es)-1].end() > offset
	})
	if ri == len(s.runs) || s.runs[ri].entries[0].base > offset {
		return 0, 0, false
	}
	es := s.runs[ri].entries
	ei = sort.Search(len(es), func(i int) bool { return es[i].end() > offset })
	return ri, ei, es[ei].base <= offset
}

// Span is what Read found: payloads in offset order, without the 33-byte
// headers, and the blocks that are pinned for them.
type Span struct {
	Found    bool // the offset is in the cache, whether or not a batch fitted
	Payloads [][]byte
	Bytes    int   // of the payloads
	Records  int64 // offsets covered
	Next     int64 // the offset after the last payload
	Pinned   []*Block
}

// Read collects the stream's batches from the one that holds offset, up to
// limit (the durable end: no batch that ends beyond it) and up to maxBytes; at
// least one batch when minOne is set. It finds nothing when the offset is not
// in the cache. Each block in Pinned has one pin for the caller to Release.
func (c *Cache) Read(stream, offset, limit int64, maxBytes int, minOne bool) Span {
	sp := Span{Next: offset}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.streams[stream]
	if s == nil {
		return sp
	}
	ri, ei, ok := s.find(offset)
	if !ok {
		return sp
	}
	sp.Found = true
	for ; ri < len(s.runs); ri, ei = ri+1, 0 {
		r := s.runs[ri]
		if !sp.take(c, r, ei, limit, maxBytes, minOne) {
			break
		}
	}
	return sp
}

// take adds a run's entries from the ei-th on, and reports whether the next
// run may follow.
func (sp *Span) take(c *Cache, r *run, ei int, limit int64, maxBytes int, minOne bool) bool {
	before := len(sp.Payloads)
	more := true
	for _, e := range r.entries[ei:] {
		n := int(e.size) - object.BatchHeaderSize
		first := minOne && len(sp.Payloads) == 0
		gap := len(sp.Payloads) > 0 && e.base != sp.Next
		if e.end() > limit || gap || (sp.Bytes+n > maxBytes && !first) {
			more = false
			break
		}
		sp.Payloads = append(sp.Payloads, c.slice(e.pos+object.BatchHeaderSize, n))
		sp.Bytes += n
		sp.Records += int64(e.count)
		sp.Next = e.end()
	}
	if len(sp.Payloads) > before {
		r.block.pins++
		sp.Pinned = append(sp.Pinned, r.block)
	}
	return more
}

package logcache

import (
	"sync"

	"github.com/tidelog/tide/broker/object"
)

// Block is one run of the ring that becomes durable, is uploaded and is freed
// as a whole.
type Block struct {
	cache      *Cache
	seq        int64 // blocks are numbered from 1
	start, end int64 // ring positions that only grow
	bytes      int64 // encoded bytes, without index and what was skipped at the ring's end
	payload    int64 // of these, without the 33-byte headers
	runs       place // the newest of its runs, linked by runSibling
	count      int   // of runs
	committed  bool  // guarded by cache.mu
	pins       int   // readers; guarded by cache.mu

	once sync.Once       // makes ids and byID, when the uploader first asks
	ids  []int64         // streams, ascending
	byID map[int64]place // their runs; both are dropped when the block is committed
}

// Bytes is the size of all batches of the block, encoded.
func (b *Block) Bytes() int64 { return b.bytes }

// Payload is the size of all batches of the block without their headers.
func (b *Block) Payload() int64 { return b.payload }

// list reads the index of a sealed block, which no longer changes but for its
// links to later blocks.
func (b *Block) list() {
	b.once.Do(func() { b.ids, b.byID = b.cache.runsOf(b) })
}

// Streams are the ids of the streams in the block, ascending. Like Batches it
// is for the block's uploader: the block must be sealed and not yet committed.
func (b *Block) Streams() []int64 {
	b.list()
	return b.ids
}

// PayloadBytes is the sum of the payload lengths of one stream in the block.
func (b *Block) PayloadBytes(stream int64) int64 {
	b.list()
	if run := b.byID[stream]; run != 0 {
		return b.cache.get(run, runPayload)
	}
	return 0
}

// Batches calls fn for each encoded batch of the stream, in offset order. The
// slices lie in the cache and stay as they are until Committed.
func (b *Block) Batches(stream int64, fn func(encoded []byte) error) error {
	b.list()
	c, run := b.cache, b.byID[stream]
	if run == 0 {
		return nil
	}
	for chunk := place(c.get(run, runFirst)); chunk != 0; chunk = place(c.get(chunk, chunkNext)) {
		for i := range c.get32(chunk, chunkUsed) {
			e := c.entry(chunk, i)
			// The capacity runs on, so that object.Writer can join neighbours.
			if err := fn(c.mem[e.pos : e.pos+int64(e.size)]); err != nil {
				return err
			}
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
	c.pins--
	if err := c.unmapIfUnused(); err != nil {
		panic(err) // it is what was mapped
	}
	if b.pins > 0 || !c.wanted {
		return false
	}
	c.wanted = false
	return true
}

// Span is what Read found: payloads in offset order, without the 33-byte
// headers, and the blocks that are pinned for them.
type Span struct {
	Found    bool // the offset is in the cache, whether or not a batch fitted
	Enough   bool // the next batch is too large for what is left, or not durable yet
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
	c.stats.Lookups++
	at, ok := c.find(stream, offset)
	if !ok {
		return sp
	}
	sp.Found = true
	for run := at.run; run != 0; run = place(c.get(run, runAfter)) {
		if run != at.run {
			at = spot{run, place(c.get(run, runFirst)), 0}
		}
		before := len(sp.Payloads)
		more := sp.takeRun(c, at, limit, maxBytes, minOne)
		if len(sp.Payloads) > before {
			sp.pin(c.block(c.get(run, runBlock)))
		}
		if !more {
			break
		}
	}
	return sp
}

func (sp *Span) pin(b *Block) {
	b.pins++
	b.cache.pins++
	sp.Pinned = append(sp.Pinned, b)
}

// takeRun adds a run's entries from a spot on, and reports whether the next run
// may follow.
func (sp *Span) takeRun(c *Cache, at spot, limit int64, maxBytes int, minOne bool) bool {
	for chunk, i := at.chunk, at.i; chunk != 0; chunk, i = place(c.get(chunk, chunkNext)), 0 {
		for n := c.get32(chunk, chunkUsed); i < n; i++ {
			if !sp.take(c, c.entry(chunk, i), limit, maxBytes, minOne) {
				return false
			}
		}
	}
	return true
}

// take adds one batch, if it may.
func (sp *Span) take(c *Cache, e entry, limit int64, maxBytes int, minOne bool) bool {
	n := int(e.size) - object.BatchHeaderSize
	first := minOne && len(sp.Payloads) == 0
	if e.end() > limit || (sp.Bytes+n > maxBytes && !first) {
		sp.Enough = true
		return false
	}
	if len(sp.Payloads) > 0 && e.base != sp.Next {
		return false // a gap
	}
	sp.Payloads = append(sp.Payloads, c.slice(e.pos+object.BatchHeaderSize, n))
	sp.Bytes += n
	sp.Records += int64(e.count)
	sp.Next = e.end()
	return true
}

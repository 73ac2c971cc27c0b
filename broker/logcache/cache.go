// Package logcache holds what is not yet in an object, and the newest of what
// is, in one ring of off-heap memory.
//
// A batch is kept encoded as formats.md has it (33-byte header, then the
// payload), so that an object is written straight out of the cache. Batches
// lie in the ring in WAL order, whole: one that would cross the end of the
// memory begins at the start instead.
//
//	        tail                                              head
//	memory   │ committed │ committed │ sealed │ sealed │ active │ free …
//	         └─ freed first when room is wanted        └─ batches go here
//
// Their index lies among them (index.go): the Go heap holds a few words a block
// and sixteen bytes a stream, whatever the size and number of batches.
//
// Blocks move through three states, always in ring order: active (one, filled
// by Reserve), sealed (waiting for its upload; never freed), committed (its
// object is in the metadata that this broker has applied, so a reader that
// finds it gone finds the object; kept as tail cache until room is wanted).
package logcache

import (
	"errors"
	"fmt"
	"sync"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/internal/arena"
)

// ErrTooLarge: a batch larger than half of the cache could stop the broker for
// good, so it is never taken.
var ErrTooLarge = errors.New("batch is larger than half of the log cache")

// Config sizes a Cache.
type Config struct {
	// Size is the memory, in bytes; rounded up to a page. All of it is mapped
	// at New and becomes resident as the ring goes round. At least 64 KiB.
	Size int64
}

// Validate reports what is wrong with the configuration.
func (c Config) Validate() error {
	if c.Size < 64<<10 {
		return fmt.Errorf("log cache of %d bytes: at least 64 KiB is needed", c.Size)
	}
	return nil
}

// Cache is the ring and its index. All methods may be called from any
// goroutine; Room, Reserve and Seal exclude each other in the caller (rule 2),
// which also reserves the WAL offset under the same lock.
type Cache struct {
	size int64

	mu      sync.Mutex
	mem     []byte          // nil once it is unmapped
	head    int64           // where the next batch goes; position = head mod size
	tail    int64           // everything before it is free
	active  *Block          // nil while nothing was reserved since the last seal
	blocks  []*Block        // sealed and committed ones, oldest first, of consecutive numbers
	seq     int64           // number of the newest block
	streams map[int64]place // the newest run of each stream that has any
	onRoom  func()          // set once, before use
	wanted  bool            // a Room failed because a reader pins the oldest block
	pins    int             // of all blocks
	closed  bool
	stats   Stats // levels are computed by Stats, counters kept here
}

// Stats are levels in bytes of ring memory and counters since New.
type Stats struct {
	Size, Active, Sealed, Committed int64
	Index                           int64 // of these, what is no batch: index, and what was skipped at the ring's end
	Pinned                          int64 // of blocks that readers hold now
	Resident                        int64 // of Size, what was ever written: it stays resident when its blocks are given up
	Blocks                          int64 // how many there are
	Lookups                         int64 // Read calls
	Freed                           int64 // bytes of committed blocks given up
	Full                            int64 // Room calls that found no room
	PinnedWaits                     int64 // of those, because a reader pinned the oldest block
}

// New maps the memory.
func New(cfg Config) (*Cache, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	mem, err := arena.Map(int(cfg.Size))
	if err != nil {
		return nil, fmt.Errorf("log cache: %w", err)
	}
	return &Cache{size: int64(len(mem)), mem: mem, streams: make(map[int64]place)}, nil
}

// OnRoom sets the function that is called, with no lock of the cache held, when
// a Room that failed because of a reader's pin may succeed now. It is set
// before the cache is used.
func (c *Cache) OnRoom(fn func()) { c.onRoom = fn }

// MaxBatch is the largest encoded batch that Reserve takes, in bytes.
func (c *Cache) MaxBatch() int { return maxBatch(c.size) }

// maxBatch is half of the ring, less the most that the index may add: then a
// batch fits into an empty ring wherever its head is.
func maxBatch(size int64) int {
	return int(size/2) - runSize - chunkSize - mostEntries(size)*entrySize
}

// SizeFor is the smallest cache, in bytes, that takes a batch of n.
func SizeFor(n int) int64 {
	size := int64(2 * n)
	for maxBatch(size) < n {
		size += int64(n - maxBatch(size))
	}
	return size
}

// maxBlocks bounds the committed blocks that are kept as tail cache. Blocks of
// a busy broker are large and never come near it; a quiet one seals a small
// block each upload interval, and would else look through all of them.
const maxBlocks = 1024

// Room reports whether Reserve(stream, …, n) would succeed now, and frees
// committed blocks until it would, oldest first, as far as no reader pins them.
// A Seal between the two takes none of it away: the batch may then need a run of
// its own, for which there is room, too.
func (c *Cache) Room(stream int64, n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.blocks) > maxBlocks && c.freeOldest() {
	}
	for !c.fits(c.addition(stream), n) || !c.fits(firstAddition, n) {
		if !c.freeOldest() {
			c.stats.Full++
			return false
		}
	}
	return true
}

// fits reports whether there is space for the addition and the batch behind it.
func (c *Cache) fits(a addition, n int) bool {
	_, at := c.layout(a, n)
	return at+int64(n)-c.tail <= c.size
}

// layout is where the next addition to the index and the batch behind it would
// begin.
func (c *Cache) layout(a addition, n int) (index, batch int64) {
	index = c.fit(c.head, a.bytes)
	return index, c.fit(index+int64(a.bytes), n)
}

// fit is where n bytes would begin: at from, or at the start of the memory when
// they would cross the end of it.
func (c *Cache) fit(from int64, n int) int64 {
	if pos := from % c.size; pos+int64(n) > c.size {
		return from + c.size - pos
	}
	return from
}

// freeOldest gives the oldest block's memory up, if it may be.
func (c *Cache) freeOldest() bool {
	if len(c.blocks) == 0 || !c.blocks[0].committed {
		return false
	}
	b := c.blocks[0]
	if b.pins > 0 {
		c.stats.PinnedWaits++
		c.wanted = true
		return false
	}
	c.blocks[0] = nil
	c.blocks = c.blocks[1:]
	c.tail = b.end
	c.stats.Freed += b.end - b.start
	c.forget(b)
	return true
}

// Reserve makes room for one encoded batch behind all that was reserved before
// and enters it in the index. The caller copies the batch into the slice
// returned before it lets anyone read up to the batch's end; until then no
// reader looks at it, for Read stops at the durable end it is given. Room must
// have returned true for the same stream and size, with no Reserve between (a
// Seal may be): else Reserve panics.
func (c *Cache) Reserve(stream, base int64, count int32, n int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.addition(stream)
	index, at := c.layout(a, n)
	if at+int64(n)-c.tail > c.size {
		panic(fmt.Sprintf("logcache: Reserve(%d) without Room: head %d, tail %d, size %d", n, c.head, c.tail, c.size))
	}
	if c.active == nil {
		c.seq++
		c.active = &Block{cache: c, seq: c.seq, start: c.head}
	}
	c.head = at + int64(n)
	b := c.active
	b.end = c.head
	b.bytes += int64(n)
	payload := max(n-object.BatchHeaderSize, 0)
	b.payload += int64(payload)
	run := a.run
	if a.entries > 0 {
		run = c.grow(stream, base, a, place(index+1))
	}
	c.enter(run, entry{base: base, count: count, size: int32(n)}, place(at+1), payload)
	return c.slice(at%c.size, n)
}

func (c *Cache) slice(pos int64, n int) []byte { return c.mem[pos : pos+int64(n) : pos+int64(n)] }

// block finds a block by its number.
func (c *Cache) block(seq int64) *Block {
	if c.active != nil && c.active.seq == seq {
		return c.active
	}
	return c.blocks[seq-c.blocks[0].seq]
}

// ActiveLevel is what the active block holds: payload bytes, and how much of
// the ring it takes, index included.
func (c *Cache) ActiveLevel() (payload, ring int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.active == nil {
		return 0, 0
	}
	return c.active.payload, c.active.end - c.active.start
}

// Seal closes the active block and returns it, or nil when it is empty. Blocks
// are to be committed in the order in which they were sealed.
func (c *Cache) Seal() *Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.active
	if b == nil {
		return nil
	}
	c.active = nil
	c.blocks = append(c.blocks, b)
	return b
}

// Committed says that the block's data is in objects that the LOCAL replica of
// the metadata knows (rule 3): from now on it may be freed.
func (c *Cache) Committed(b *Block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.committed = true
	b.ids, b.byID = nil, nil
}

// Waiting is how many ring bytes sealed blocks hold that are not committed yet.
func (c *Cache) Waiting() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.blocks) - 1; i >= 0; i-- {
		if c.blocks[i].committed { // so are all before it
			return c.blocks[len(c.blocks)-1].end - c.blocks[i].end
		}
	}
	if len(c.blocks) == 0 {
		return 0
	}
	return c.blocks[len(c.blocks)-1].end - c.blocks[0].start
}

// Drop frees every committed block that no reader pins, oldest first, and
// returns the bytes freed.
func (c *Cache) Drop() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.stats.Freed
	for c.freeOldest() {
	}
	return c.stats.Freed - before
}

// Stats returns the levels now and the counters.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.stats
	st.Size, st.Resident = c.size, min(c.head, c.size)
	blocks := c.blocks
	if c.active != nil {
		blocks = append(blocks[:len(blocks):len(blocks)], c.active)
	}
	for _, b := range blocks {
		ring := b.end - b.start
		switch {
		case b == c.active:
			st.Active = ring
		case b.committed:
			st.Committed += ring
		default:
			st.Sealed += ring
		}
		st.Index += ring - b.bytes
		if b.pins > 0 {
			st.Pinned += ring
		}
	}
	st.Blocks = int64(len(blocks))
	return st
}

// Close lets go of the memory. A reader that is late keeps it: it is unmapped
// with the last pin. Nothing may be reserved after it, and no upload be on its
// way.
func (c *Cache) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.active, c.blocks, c.streams = nil, nil, map[int64]place{}
	return c.unmapIfUnused()
}

// unmapIfUnused gives the memory back once the cache is closed and nobody reads
// it. Called with mu held.
func (c *Cache) unmapIfUnused() error {
	if !c.closed || c.pins > 0 {
		return nil
	}
	mem := c.mem
	c.mem = nil
	return arena.Unmap(mem)
}

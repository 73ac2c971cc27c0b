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
	mem     []byte            // nil after Close
	head    int64             // where the next batch goes; position = head mod size
	tail    int64             // everything before it is free
	active  *Block            // nil while nothing was reserved since the last seal
	blocks  []*Block          // sealed and committed ones, oldest first
	streams map[int64]*series // what each stream has in the cache
	onRoom  func()            // set once, before use
	wanted  bool              // a Room failed because a reader pins the oldest block
	stats   Stats             // levels are computed by Stats, counters kept here
}

// Stats are levels in bytes of ring memory and counters since New.
type Stats struct {
	Size, Active, Sealed, Committed int64
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
	return &Cache{size: int64(len(mem)), mem: mem, streams: make(map[int64]*series)}, nil
}

// OnRoom sets the function that is called, with no lock of the cache held, when
// a Room that failed because of a reader's pin may succeed now. It is set
// before the cache is used.
func (c *Cache) OnRoom(fn func()) { c.onRoom = fn }

// MaxBatch is the largest encoded batch that Reserve takes, in bytes.
func (c *Cache) MaxBatch() int { return int(c.size / 2) }

// Room reports whether Reserve(n) would succeed now, and frees committed
// blocks until it would, oldest first, as far as no reader pins them.
func (c *Cache) Room(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		end := c.place(n) + int64(n)
		if end-c.tail <= c.size {
			return true
		}
		if !c.freeOldest() {
			c.stats.Full++
			return false
		}
	}
}

// place is where a batch of n bytes would begin: at head, or at the start of
// the memory when it would cross the end of it.
func (c *Cache) place(n int) int64 {
	if pos := c.head % c.size; pos+int64(n) > c.size {
		return c.head + c.size - pos
	}
	return c.head
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
	for id := range b.streams {
		if s := c.streams[id]; s.dropOldest(b) {
			delete(c.streams, id)
		}
	}
	return true
}

// Reserve makes room for one encoded batch behind all that was reserved before
// and enters it in the index. The caller copies the batch into the slice
// returned before it lets anyone read up to the batch's end; until then no
// reader looks at it, for Read stops at the durable end it is given. Room must
// have returned true for the same size, with no Reserve between: else Reserve
// panics.
func (c *Cache) Reserve(stream, base int64, count int32, n int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.place(n)
	if at+int64(n)-c.tail > c.size {
		panic(fmt.Sprintf("logcache: Reserve(%d) without Room: head %d, tail %d, size %d", n, c.head, c.tail, c.size))
	}
	if c.active == nil {
		c.active = &Block{cache: c, start: c.head, streams: make(map[int64]*run)}
	}
	c.head = at + int64(n)
	c.active.end = c.head
	c.active.bytes += int64(n)
	c.add(stream, entry{base: base, count: count, pos: at % c.size, size: int32(n)})
	return c.slice(at%c.size, n)
}

func (c *Cache) slice(pos int64, n int) []byte { return c.mem[pos : pos+int64(n) : pos+int64(n)] }

// add enters a batch in the active block's run of its stream.
func (c *Cache) add(stream int64, e entry) {
	r := c.active.streams[stream]
	if r == nil {
		r = &run{block: c.active}
		c.active.streams[stream] = r
		s := c.streams[stream]
		if s == nil {
			s = &series{}
			c.streams[stream] = s
		}
		s.runs = append(s.runs, r)
	}
	r.entries = append(r.entries, e)
	r.payload += int64(e.size) - object.BatchHeaderSize
}

// ActiveBytes is what the active block holds, in encoded bytes.
func (c *Cache) ActiveBytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.active == nil {
		return 0
	}
	return c.active.bytes
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
	st.Size = c.size
	for _, b := range c.blocks {
		if b.committed {
			st.Committed += b.end - b.start
		} else {
			st.Sealed += b.end - b.start
		}
	}
	if c.active != nil {
		st.Active = c.active.end - c.active.start
	}
	return st
}

// Close unmaps the memory. No block may be pinned, read or reserved from after
// it.
func (c *Cache) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	mem := c.mem
	c.mem, c.active, c.blocks, c.streams = nil, nil, nil, map[int64]*series{}
	if mem == nil {
		return nil
	}
	return arena.Unmap(mem)
}

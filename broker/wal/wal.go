// Package wal is the write-ahead log: a ring of 4 KiB blocks on a device or
// file, written through an iopath.Path.
//
//	position 0         4096        8192                                  capacity
//	┌───────────┬───────────┬──────────────────────────────────────────────┐
//	│ header A  │ header B  │ ring of R = capacity − 8192 bytes            │
//	└───────────┴───────────┴──────────────────────────────────────────────┘
//	position(offset) = 8192 + offset mod R; offsets never go back
//
//	block, begins on 4 KiB:      record     24-byte header │ body
//	┌────────┬──────┬─────────┬───────────┐
//	│ record │ rec. │ record  │ zeros     │   a block never crosses the end of
//	└────────┴──────┴─────────┴───────────┘   the ring: padding fills the gap
//
//	header slot  magic 4 · capacity 8 · trim 8 · version 8 · windowMax 8 ·
//	             dirty 4 · nodeId 4 · node epoch 8 · CRC 4
//	record       magic 4 · body length 4 · body offset 8 · body CRC 4 · CRC 4
//
// All integers are big-endian. A CRC is CRC-32 (IEEE) & 0x7FFFFFFF.
//
// # Life of a record
//
// Reserve takes the next place in the open block under one short mutex; Fill
// copies into it outside the mutex, with the CRC in the same pass; Commit sees
// to it that the block is written. When all blocks up to and including a
// record's are written, OnDurable says so: completion is reported in order,
// whatever the order of the device. Trim makes what lies before free again,
// after the header that says so is durable.
//
// # Life of a log
//
//	Open ─▶ Header, Recover ─▶ (upload, commit) ─▶ Reset ─▶ appends ─▶ Close
//
// Nothing is written before Reset, which starts a new life beyond every offset
// of the lives before.
//
// # Failures
//
// The first failed or hanging write latches the log: it fails closed, and what
// was in flight is reported as failed even where its bytes landed.
package wal

import (
	"fmt"
	"sync"
	"time"

	"github.com/tidelog/tide/iopath"
)

// Offset is a logical place in the log. It only grows, also over a reset; the
// position on the device is derived from it.
type Offset int64

// WAL is an open log. Its methods may be called concurrently, but Recover and
// Reset belong to opening and come one after the other.
type WAL struct {
	cfg   Config
	path  iopath.Path
	ring  int64 // R, bytes
	depth int   // writes in flight at most, headers included

	maxBlock int64 // bytes; a block with one record may be this long
	hard     int64 // bytes; a block with several

	wake chan struct{} // hands the lead to the reaper goroutine; capacity 1
	stop chan struct{} // closed by Close: the goroutines end
	done sync.WaitGroup

	mu sync.Mutex
	// All below is guarded by mu.
	phase    phase
	cause    error // not nil: latched
	win      window
	mem      memory
	blocks   blockList
	free     []*block // for reuse; bounded by the arena's size in blocks
	open     *block   // takes records; nil before the first and after a seal
	lastLive Offset   // of the newest record; −1: none in this life
	header   headerState
	lead     lead
	linger   linger
	notice   notice
	changed  chan struct{} // closed and dropped when anything settles; nil: nobody waits
	scan     scanState
	stats    Stats
}

// phase says what the log may be asked for.
type phase int

const (
	opened    phase = iota // Recover and Reset
	resetting              // until the header of the new life is durable
	accepting              // everything else
	closing                // nothing new
)

// Stats are counters since Open, and the present state of the ring.
type Stats struct {
	Use          int64         // bytes between the durable trim and the next block
	RingCapacity int64         // bytes, R
	WindowMax    int64         // bytes, durable
	Durable      Offset        // everything below is durable
	Next         Offset        // where the next block begins, or the open one ends
	Depth        int           // blocks in flight aimed at
	Records      int64         // reserved
	Writes       int64         // blocks written, padding included
	Units        int64         // I/Os that a volume counts for them: one for each 256 KiB
	Bytes        int64         // of those blocks
	InFlight     time.Duration // that blocks were in flight, summed up
	PaddingBytes int64
	HeaderWrites int64
	WindowStalls int64 // blocks that had to wait for a larger window
	RingFull     int64 // Reserve refused: no ring space
	MemoryFull   int64 // Reserve refused: no buffer
}

// Open reads both header slots. It writes nothing and starts nothing.
func Open(cfg Config) (*WAL, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	g, arena := cfg.Path.Geometry(), cfg.Path.Arena()
	w := &WAL{
		cfg: cfg, path: cfg.Path, depth: g.Depth, lastLive: -1,
		ring: alignDown(g.Capacity) - ringStart,
		wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	switch {
	case g.Block != blockSize:
		return nil, fmt.Errorf("wal: the path's block is %d bytes, the format's %d", g.Block, blockSize)
	case w.ring < 4*blockSize:
		return nil, fmt.Errorf("wal: capacity %d leaves a ring of %d bytes, at least %d are needed", g.Capacity, w.ring, 4*blockSize)
	case len(arena) < minArena:
		return nil, fmt.Errorf("wal: arena of %d bytes, at least %d are needed", len(arena), minArena)
	}
	w.layOut(arena)
	w.linger.epoch, w.linger.armed, w.linger.sleep = time.Now(), make(chan struct{}, 1), sleepExactly
	found, err := readSlots(w.path, arena)
	if err != nil {
		return nil, err
	}
	w.header.open(found, arena[:blockSize])
	// Nothing to look for in a file that was made a moment ago. Anything where
	// headers stand, readable or not, says that somebody has written to it since:
	// no record is accepted before the first header is durable.
	w.scan.whole = g.Blank && found[0].zero && found[1].zero
	return w, nil
}

// minArena is the header's buffer, and room for one block of 4 KiB while
// another is in flight; a scan needs one for each chunk.
const minArena = (1 + chunks) * blockSize

// layOut divides the arena and derives every bound from ring, arena and config.
func (w *WAL) layOut(arena []byte) {
	c := w.cfg
	usable := alignDown(len(arena) - blockSize)
	w.mem = memory{arena: arena[blockSize : blockSize+usable]}
	limit := alignDown(min(c.WindowLimit, w.ring/2))
	w.win = window{
		max: alignDown(min(c.WindowInitial, limit)), step: alignDown(c.WindowStep), limit: limit,
	}
	// Half of the arena: a padding block and the block behind it then fit at
	// once when nothing is in flight.
	w.maxBlock = alignDown(min(w.ring/4, limit, int64(usable)/2))
	w.hard = min(alignDown(int64(c.BlockHard)), w.maxBlock)
	w.lead.finished = make([]*write, 0, w.depth)
	w.header.write.init(nil, &w.lead.finished)
	w.lead.target = 1
	if c.Tick == 0 && c.Linger == 0 && !c.NoPace {
		w.lead.pace = newPace(c.Path.Geometry().IOPS)
	}
	switch {
	case c.Depth > 0:
		w.lead.target = min(c.Depth, w.depth)
	case w.lead.pace.every > 0:
		w.lead.target = w.depth
	}
}

// Header is the newest valid header that Open found or the log has made
// durable since; false: there is none.
func (w *WAL) Header() (Header, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.header.durable, w.header.slot >= 0
}

// MaxBody is the largest n that Reserve accepts, in bytes.
func (w *WAL) MaxBody() int { return int(w.maxBlock) - recordHeaderLength }

// Stats returns a snapshot.
func (w *WAL) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.RingCapacity, s.WindowMax, s.Depth = w.ring, w.win.max, w.lead.target
	s.Durable, s.Next = w.win.start, w.win.next
	if w.phase >= accepting {
		s.Use = int64(w.win.next - alignUp(w.header.durable.TrimOffset))
	}
	return s
}

// refusal is why nothing new is taken, or nil. mu is held.
func (w *WAL) refusal() error {
	switch {
	case w.cause != nil:
		return fmt.Errorf("%w: %w", ErrLatched, w.cause)
	case w.phase != accepting:
		return ErrClosed
	}
	return nil
}

// position is where off lies on the device.
func (w *WAL) position(off Offset) int64 { return ringStart + int64(off)%w.ring }

// untilEnd is how many bytes lie between off and the ring's end; R at its start.
func (w *WAL) untilEnd(off Offset) int64 { return w.ring - int64(off)%w.ring }

// spaceEnd is the offset that no block may end beyond: a lap behind the block
// that holds the durable trim offset, whose record recovery has to read.
func (w *WAL) spaceEnd() Offset {
	return alignDown(w.header.durable.TrimOffset) + Offset(w.ring)
}

package wal

import (
	"context"
	"fmt"
	"sync"

	"github.com/tidelog/tide/iopath"
)

// readers is how many reads of a scan are under way at a time. A reader asks
// for its next piece as soon as it has one, whatever the scan does meanwhile,
// for otherwise the device waits for a goroutine to be scheduled: reading only
// what the scan had released came to 0.8 of a plain read of the same file.
// Pieces above 1 MiB gain nothing.
const (
	readers      = 3
	chunks       = 2*readers + 1 // being read, waiting to be looked at, and being looked at
	maxReadChunk = 1 << 20
	maxLead      = 64 << 10
)

// ringReader reads the ring in the order of offsets, ahead of its consumer.
//
//	spare ─▶ readers: take the next offsets, read ─▶ order ─▶ next ─▶ release
//	  └──────────────────────────────────────────────────────────────────┘
type ringReader struct {
	path  iopath.Path
	ring  int64
	end   Offset      // aligned
	spare chan *chunk // to be read into; holds them all
	order chan *chunk // asked for, by offset; holds them all
	quit  chan struct{}
	group sync.WaitGroup

	mu  sync.Mutex // held from taking an offset until the chunk is in order
	ask Offset     // next to be asked for; aligned; guarded by mu
}

// chunk is one read. The record that a chunk begins in the middle of is made
// whole by copying its beginning into the lead, which spares a copy of all the
// rest: the scan looks at the bytes where the device put them.
//
//	mem  ├ lead ┼ data ──────┤
type chunk struct {
	mem  []byte // aligned
	lead int    // bytes, aligned
	data []byte // what this read brings: mem[lead:] at most
	done chan error
}

// newRingReader divides mem, aligned, among the reads, and starts them.
func newRingReader(p iopath.Path, ring int64, mem []byte, from, end Offset) *ringReader {
	r := &ringReader{
		path: p, ring: ring, ask: from, end: end,
		spare: make(chan *chunk, chunks), order: make(chan *chunk, chunks), quit: make(chan struct{}),
	}
	size := min(alignDown(len(mem)/chunks), maxReadChunk+maxLead)
	lead := min(alignDown(size/8), maxLead)
	for i := range chunks {
		r.spare <- &chunk{mem: mem[i*size : (i+1)*size], lead: lead, done: make(chan error, 1)}
	}
	for range readers {
		r.group.Go(r.read)
	}
	return r
}

// read is one reader.
func (r *ringReader) read() {
	for {
		select {
		case <-r.quit:
			return
		case c := <-r.spare:
			pos, more := r.take(c)
			if !more {
				return
			}
			_, err := r.path.ReadAt(c.data, pos)
			c.done <- err
		}
	}
}

// take gives the chunk the next offsets, none across the end of the ring.
func (r *ringReader) take(c *chunk) (pos int64, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ask >= r.end {
		return 0, false
	}
	inRing := int64(r.ask) % r.ring
	n := min(int64(len(c.mem)-c.lead), int64(r.end-r.ask), r.ring-inRing)
	c.data = c.mem[c.lead : c.lead+int(n)]
	r.ask += Offset(n)
	r.order <- c
	return ringStart + inRing, true
}

// next returns the next chunk, of which there must be one. It is the caller's
// until it releases it; one at a time may be held.
func (r *ringReader) next(ctx context.Context) (*chunk, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c := <-r.order
	if err := <-c.done; err != nil {
		return nil, fmt.Errorf("read wal: %w", err)
	}
	return c, nil
}

// release gives a chunk back. Nil is allowed.
func (r *ringReader) release(c *chunk) {
	if c != nil {
		r.spare <- c
	}
}

// close waits for the reads under way: they write to memory that is used again.
func (r *ringReader) close() {
	close(r.quit)
	r.group.Wait()
}

package wal

import (
	"context"
	"fmt"

	"github.com/tidelog/tide/iopath"
)

// readers is how many buffers a scan has: one is looked at while the others are
// being read, so the device always has three reads to work on. With two, a disk
// of 900 MiB/s gave 790; pieces above 1 MiB gain nothing.
const (
	readers      = 4
	maxReadChunk = 1 << 20
	maxLead      = 64 << 10
)

// ringReader reads the ring in the order of offsets, ahead of its consumer.
type ringReader struct {
	path  iopath.Path
	ring  int64
	ask   Offset // next to be asked for; aligned
	end   Offset // aligned
	queue []*chunk
	spare []*chunk
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

// newRingReader divides mem, aligned, among the reads.
func newRingReader(p iopath.Path, ring int64, mem []byte, from, end Offset) *ringReader {
	r := &ringReader{path: p, ring: ring, ask: from, end: end}
	size := min(alignDown(len(mem)/readers), maxReadChunk+maxLead)
	lead := min(alignDown(size/8), maxLead)
	for i := range readers {
		r.spare = append(r.spare, &chunk{mem: mem[i*size : (i+1)*size], lead: lead, done: make(chan error, 1)})
	}
	return r
}

// start asks for the next chunks, as many as there are buffers. None crosses
// the end of the ring.
func (r *ringReader) start() {
	for len(r.spare) > 0 && r.ask < r.end {
		c := r.spare[len(r.spare)-1]
		r.spare = r.spare[:len(r.spare)-1]
		inRing := int64(r.ask) % r.ring
		n := min(int64(len(c.mem)-c.lead), int64(r.end-r.ask), r.ring-inRing)
		c.data = c.mem[c.lead : c.lead+int(n)]
		r.ask += Offset(n)
		r.queue = append(r.queue, c)
		go func() {
			_, err := r.path.ReadAt(c.data, ringStart+inRing)
			c.done <- err
		}()
	}
}

// next returns the next chunk. It is the caller's until it releases it.
func (r *ringReader) next(ctx context.Context) (*chunk, error) {
	r.start()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c := r.queue[0]
	r.queue = r.queue[1:]
	if err := <-c.done; err != nil {
		return nil, fmt.Errorf("read wal: %w", err)
	}
	return c, nil
}

// release gives a chunk back, to be read into at once. Nil is allowed.
func (r *ringReader) release(c *chunk) {
	if c != nil {
		r.spare = append(r.spare, c)
		r.start()
	}
}

// close waits for the reads under way: they write to memory that is used again.
func (r *ringReader) close() {
	for _, c := range r.queue {
		<-c.done //nolint:errcheck // nobody looks at what it read
	}
	r.queue = nil
}

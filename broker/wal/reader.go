package wal

import (
	"context"
	"fmt"

	"github.com/tidelog/tide/iopath"
)

// readers is how many buffers a scan has: one is looked at while the others are
// being read, so the device always has four reads to work on. With two, a disk
// of 900 MiB/s gave 790; pieces above 1 MiB gain nothing.
const (
	readers      = 5
	maxReadChunk = 1 << 20
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

// chunk is one read.
type chunk struct {
	mem  []byte // aligned, as long as a read may be
	data []byte // what this read brings
	done chan error
}

// newRingReader divides mem, aligned, among the reads.
func newRingReader(p iopath.Path, ring int64, mem []byte, from, end Offset) *ringReader {
	r := &ringReader{path: p, ring: ring, ask: from, end: end}
	size := min(alignDown(len(mem)/readers), maxReadChunk)
	for i := range readers {
		r.spare = append(r.spare, &chunk{mem: mem[i*size : (i+1)*size], done: make(chan error, 1)})
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
		n := min(int64(len(c.mem)), int64(r.end-r.ask), r.ring-inRing)
		c.data = c.mem[:n]
		r.ask += Offset(n)
		r.queue = append(r.queue, c)
		go func() {
			_, err := r.path.ReadAt(c.data, ringStart+inRing)
			c.done <- err
		}()
	}
}

// appendNext appends the next chunk's bytes to dst.
func (r *ringReader) appendNext(ctx context.Context, dst []byte) ([]byte, error) {
	r.start()
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	c := r.queue[0]
	r.queue = r.queue[1:]
	err := <-c.done
	if err == nil {
		dst = append(dst, c.data...)
	}
	r.spare = append(r.spare, c)
	if err != nil {
		return dst, fmt.Errorf("read wal: %w", err)
	}
	return dst, nil
}

// close waits for the reads under way: they write to memory that is used again.
func (r *ringReader) close() {
	for _, c := range r.queue {
		<-c.done
	}
	r.queue = nil
}

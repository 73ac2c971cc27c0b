package stream

import (
	"errors"
	"math/bits"
	"sync"
)

// Errors of a Fetch or Append, wrapped with the stream's id.
var (
	// ErrOffsetOutOfRange: the offset lies before the stream's start or beyond
	// its durable end.
	ErrOffsetOutOfRange = errors.New("offset out of range")
	// ErrClosed: the stream or the engine is closed.
	ErrClosed = errors.New("stream is closed")
	// ErrTooLarge: the batch can never fit (rule 4: its WAL record exceeds
	// min(R/4, window limit), or the log cache holds less than two of it).
	ErrTooLarge = errors.New("batch is too large")
	// ErrFailed: the WAL has latched; nothing is appended any more and what was
	// not durable has failed. The cause is wrapped beside it.
	ErrFailed = errors.New("write-ahead log has failed")
)

// Read is the result of one Fetch: whole Kafka record batches in offset order,
// in memory that is the Read's own until Release. The slices must not be
// written to, nor used after Release.
type Read struct {
	Buffers [][]byte // batches, back to back; one slice may hold several
	Bytes   int      // the sum of the lengths of Buffers
	Next    int64    // the offset after the last batch; where to go on

	bufs []*buffer
}

// add takes a buffer over, of which data is a part or a regrown copy.
func (r *Read) add(buf *buffer, data []byte, next int64) {
	buf.bytes = data
	r.bufs = append(r.bufs, buf)
	r.Buffers = append(r.Buffers, data)
	r.Bytes += len(data)
	r.Next = next
}

// Release gives the memory back. It may be called more than once, and on nil.
func (r *Read) Release() {
	if r == nil {
		return
	}
	for _, b := range r.bufs {
		b.pool.put(b)
	}
	r.bufs, r.Buffers, r.Bytes = nil, nil, 0
}

// buffer is memory that goes back to its pool.
type buffer struct {
	pool  *buffers
	bytes []byte
}

// Buffers are pooled by powers of two from 4 KiB to 4 MiB; a larger one, for a
// batch beyond that, is the garbage collector's.
const (
	leastClass = 12
	mostClass  = 22
)

// buffers is a pool for each size class.
type buffers struct {
	classes [mostClass - leastClass + 1]sync.Pool
}

// get returns an empty buffer with room for n bytes.
func (p *buffers) get(n int) *buffer {
	class := max(bits.Len(uint(max(n, 1)-1)), leastClass)
	if class > mostClass {
		return &buffer{pool: p, bytes: make([]byte, 0, n)}
	}
	if b, _ := p.classes[class-leastClass].Get().(*buffer); b != nil {
		return b
	}
	return &buffer{pool: p, bytes: make([]byte, 0, 1<<class)}
}

// put files the buffer under the largest class that it can serve.
func (p *buffers) put(b *buffer) {
	b.bytes = b.bytes[:0]
	class := bits.Len(uint(cap(b.bytes))) - 1
	if class >= leastClass && class <= mostClass {
		p.classes[class-leastClass].Put(b)
	}
}

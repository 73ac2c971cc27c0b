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

// Read is the result of one Fetch: whole Kafka record batches in offset order.
// The slices must not be written to, nor used after Release or Detach.
//
// They lie in memory that is the Read's own, or in blocks of the block cache
// that are lent to it. A loan keeps memory from everybody else, so whoever
// hands the bytes to a consumer must bound how long that takes, and Detach the
// Read when it takes longer.
type Read struct {
	Buffers [][]byte // batches, back to back; one slice may hold several
	Bytes   int      // the sum of the lengths of Buffers
	Next    int64    // the offset after the last batch; where to go on
	Loading bool     // it is empty because an object has to be waited for

	pool  *buffers
	bufs  []*buffer
	loans []Loan
}

// Loan is memory of somebody else's that a Read may use until it is returned.
// *blockcache.Block is one.
type Loan interface{ Return() }

// NewRead makes a Read of batches that lie in lent memory, for logs that are
// not a Stream.
func NewRead(next int64, batches [][]byte, loans ...Loan) *Read {
	r := &Read{Next: next, Buffers: batches, loans: loans, pool: new(buffers)}
	for _, b := range batches {
		r.Bytes += len(b)
	}
	return r
}

// own takes a buffer over, of which data is a part or a regrown copy.
func (r *Read) own(buf *buffer, data []byte) {
	buf.bytes = data
	r.bufs = append(r.bufs, buf)
}

// lend takes a loan over, unless nothing was added from its block.
func (r *Read) lend(b Loan, buffers [][]byte, added int) {
	if added == 0 {
		b.Return()
		return
	}
	r.Buffers = buffers
	r.loans = append(r.loans, b)
}

func (r *Read) advance(bytes int, next int64) { r.Bytes, r.Next = r.Bytes+bytes, next }

// Held tells whether the Read keeps memory that others need.
func (r *Read) Held() bool { return r != nil && len(r.loans) > 0 }

// Detach copies what is lent into memory of the Read's own and returns the
// loans. Slices taken from Buffers before are no longer valid.
func (r *Read) Detach() {
	if !r.Held() {
		return
	}
	buf := r.pool.get(r.Bytes)
	all := buf.bytes[:0]
	for _, b := range r.Buffers {
		all = append(all, b...)
	}
	r.giveBack()
	r.own(buf, all)
	r.Buffers = append(r.Buffers[:0], all)
}

// Release gives the memory back. It may be called more than once, and on nil.
func (r *Read) Release() {
	if r == nil {
		return
	}
	r.giveBack()
	r.Buffers, r.Bytes = nil, 0
}

func (r *Read) giveBack() {
	for _, b := range r.bufs {
		b.pool.put(b)
	}
	for _, b := range r.loans {
		b.Return()
	}
	r.bufs, r.loans = nil, nil
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

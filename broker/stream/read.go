package stream

import "errors"

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
// as slices of the log cache and the block cache, pinned until Release. The
// slices must not be written to and not be used after Release.
type Read struct {
	Buffers [][]byte // batches, back to back; one slice may hold several
	Bytes   int      // the sum of the lengths of Buffers
	Next    int64    // the offset after the last batch; where to go on

	pins []pin
}

// pin is memory that a Read holds.
type pin interface{ Release() }

// Release gives the pinned memory back. It may be called more than once, and
// on nil.
func (r *Read) Release() {
	if r == nil {
		return
	}
	for _, p := range r.pins {
		p.Release()
	}
	r.pins, r.Buffers, r.Bytes = nil, nil, 0
}

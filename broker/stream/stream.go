package stream

import (
	"context"

	"github.com/tidelog/tide/broker/object"
)

// Engine orders the WAL, the caches and the upload of all streams of a node.
type Engine struct{}

// Stream is one open stream: a sequence of record batches with dense offsets,
// appended by one writer at a time and read by any number.
type Stream struct{}

// OpenStream opens a stream for this node under a new epoch.
func (e *Engine) OpenStream(ctx context.Context, id int64) (*Stream, error) { panic("skeleton") }

// Commit leads the WAL's commit of what was appended before the call.
func (e *Engine) Commit() { panic("skeleton") }

// ID is the stream's id in the metadata.
func (s *Stream) ID() int64 { panic("skeleton") }

// Epoch is the stream's epoch, Kafka's leader epoch.
func (s *Stream) Epoch() int64 { panic("skeleton") }

// Start is the first offset that can be read.
func (s *Stream) Start() int64 { panic("skeleton") }

// Next is the offset that the next append gets.
func (s *Stream) Next() int64 { panic("skeleton") }

// End is the durable end, exclusive: Kafka's high watermark.
func (s *Stream) End() int64 { panic("skeleton") }

// Snapshot is the partition-state record for exactly the offset where the
// stream was opened (Next at open); nil for a stream that never had one.
func (s *Stream) Snapshot() []byte { panic("skeleton") }

// Append adds one batch; see the contract.
func (s *Stream) Append(ctx context.Context, b object.RecordBatch, done func(error)) error {
	panic("skeleton")
}

// Fetch reads batches from offset on, up to the durable end.
func (s *Stream) Fetch(ctx context.Context, offset int64, maxBytes int, minOne bool) (*Read, error) {
	panic("skeleton")
}

// Watch signals w whenever End advances, until Unwatch.
func (s *Stream) Watch(w *Waiter) { panic("skeleton") }

// Unwatch ends Watch.
func (s *Stream) Unwatch(w *Waiter) { panic("skeleton") }

// Trim makes start the first offset that can be read.
func (s *Stream) Trim(ctx context.Context, start int64) error { panic("skeleton") }

// TimeRange is one run of offsets with the largest timestamp in it.
type TimeRange struct {
	Start, End   int64
	MaxTimestamp int64 // ms; −1 unknown
}

// TimeRanges are the committed ranges, in offset order: the time index.
func (s *Stream) TimeRanges() []TimeRange { panic("skeleton") }

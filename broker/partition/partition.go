package partition

import (
	"context"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/stream"
)

// Log is what a partition needs of its stream; *stream.Stream implements it.
// Offsets of the log are Kafka's offsets.
type Log interface {
	Epoch() int64
	Start() int64
	Next() int64
	End() int64
	Snapshot() []byte
	TimeRanges() []stream.TimeRange
	Append(ctx context.Context, b object.RecordBatch, done func(error)) error
	Fetch(ctx context.Context, offset int64, maxBytes int, minOne bool) (*stream.Read, error)
	Trim(ctx context.Context, start int64) error
	Watch(w *stream.Waiter)
	Unwatch(w *stream.Waiter)
}

// AppendResult is the answer to one Append.
type AppendResult struct {
	BaseOffset    int64 // offset of the first record
	LogAppendTime int64 // ms; −1 when the topic keeps the producer's timestamps
	LogStart      int64 // first offset that can be read
	Err           error // a kerr error; nil when durable
}

// Partition is one Kafka partition led by this node.
type Partition struct{}

// Topic is the name of the topic.
func (p *Partition) Topic() string { panic("skeleton") }

// Index is the number of the partition in its topic.
func (p *Partition) Index() int32 { panic("skeleton") }

// Append adds the one record batch that records hold; see the contract.
func (p *Partition) Append(ctx context.Context, records []byte, done func(AppendResult)) error {
	panic("skeleton")
}

// Fetch reads batches from offset on, up to the high watermark.
func (p *Partition) Fetch(ctx context.Context, offset int64, maxBytes int, minOne bool) (*stream.Read, error) {
	panic("skeleton")
}

// HighWatermark is the durable end.
func (p *Partition) HighWatermark() int64 { panic("skeleton") }

// LastStableOffset is the end of what read_committed sees.
func (p *Partition) LastStableOffset() int64 { panic("skeleton") }

// LogStartOffset is the first offset that can be read.
func (p *Partition) LogStartOffset() int64 { panic("skeleton") }

// LeaderEpoch is the epoch under which this node leads the partition.
func (p *Partition) LeaderEpoch() int32 { panic("skeleton") }

// Watch signals w when the high watermark advances, until Unwatch.
func (p *Partition) Watch(w *stream.Waiter) { panic("skeleton") }

// Unwatch ends Watch.
func (p *Partition) Unwatch(w *stream.Waiter) { panic("skeleton") }

// OffsetForTime answers ListOffsets.
func (p *Partition) OffsetForTime(ctx context.Context, timestamp int64) (offset, ts int64, err error) {
	panic("skeleton")
}

// EpochAt is the leader epoch of the record at offset; −1 when unknown.
func (p *Partition) EpochAt(offset int64) int32 { panic("skeleton") }

// EndOffsetForEpoch answers OffsetForLeaderEpoch.
func (p *Partition) EndOffsetForEpoch(epoch int32) (found int32, end int64) { panic("skeleton") }

// Trim makes start the first offset that can be read.
func (p *Partition) Trim(ctx context.Context, start int64) error { panic("skeleton") }

package partition

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/stream"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Log is what a partition needs of its stream; *stream.Stream implements it.
type Log interface {
	ID() int64
	Epoch() int64
	// Start, Next and End: the first offset that can be read, the one that the
	// next append gets, and the end of what is durable.
	Start() int64
	Next() int64
	End() int64
	// Snapshot is the state record for exactly Next at the time of opening;
	// empty for a stream that never had one.
	Snapshot() []byte
	// TimeRanges are the ranges in objects, in offset order, with the largest
	// timestamp in each.
	TimeRanges() []stream.TimeRange
	// Append copies b.Payload before it returns; it blocks while there is no
	// room, until ctx ends. After nil, done runs once, in offset order, on the
	// goroutine that reaps the WAL.
	Append(ctx context.Context, b object.RecordBatch, done func(error)) error
	// FetchFor may hold memory that others need until Release or Detach.
	FetchFor(ctx context.Context, w stream.Want) (*stream.Read, error)
	// Trim is durable when it returns.
	Trim(ctx context.Context, start int64) error
	Watch(w *stream.Waiter)
	Unwatch(w *stream.Waiter)
	// Close ends appends and wakes who watches; it does not block.
	Close()
}

// Options are the topic's configurations that a partition obeys.
type Options struct {
	MaxMessageBytes int  // largest batch accepted, bytes: max.message.bytes
	LogAppendTime   bool // message.timestamp.type is LogAppendTime

	// How far a record's own time may lie before and after the broker's, in
	// ms: message.timestamp.before.max.ms and message.timestamp.after.max.ms.
	TimestampBefore, TimestampAfter int64

	// What may go: cleanup.policy, retention.ms and retention.bytes; −1 is no
	// bound. Without Deletes nothing may, whatever the bounds are.
	Deletes                         bool
	RetentionMillis, RetentionBytes int64

	Internal bool // the topic is the broker's own, such as __consumer_offsets
}

// Partition is one Kafka partition led by this node. All methods may be called
// at the same time.
type Partition struct {
	topic  string
	index  int32
	epoch  int32
	log    Log
	clock  func() time.Time
	expiry time.Duration
	// inflated is the most that one batch may decompress to, in bytes.
	inflated int

	options atomic.Pointer[Options]
	epochs  atomic.Pointer[epochList] // as of the last append; for readers
	closed  atomic.Pointer[error]     // why it takes no more appends

	appender chan struct{} // holds a token while an append is under way
	state    *foldState    // guarded by appender
	flight   flight
}

// openPartition loads the state of a stream that has just been opened.
func openPartition(cfg Config, topic string, index int32, log Log, opts Options) (*Partition, error) {
	state, err := loadState(log.Snapshot())
	if err != nil {
		return nil, fmt.Errorf("%s-%d: %w: %w", topic, index, kerr.KafkaStorageError, err)
	}
	if state.end > log.Next() {
		return nil, fmt.Errorf("%s-%d: %w: state of offset %d, but the stream ends at %d", topic, index, kerr.KafkaStorageError, state.end, log.Next())
	}
	state.end, state.stable = log.Next(), log.Next()
	state.touch(cfg.Clock())
	p := &Partition{
		topic: topic, index: index, epoch: int32(log.Epoch()), log: log, clock: cfg.Clock, expiry: cfg.ProducerExpiry, inflated: cfg.MaxInflatedBytes,
		appender: make(chan struct{}, 1), state: state,
	}
	p.flight.durable = log.Next()
	p.options.Store(&opts)
	p.publishEpochs()
	return p, nil
}

// publishEpochs shows readers the epochs of the state. The list itself never
// changes, but the state's field does, hence the copy.
func (p *Partition) publishEpochs() {
	l := p.state.epochs
	p.epochs.Store(&l)
}

// String is the partition's name as Kafka writes it.
func (p *Partition) String() string { return fmt.Sprintf("%s-%d", p.topic, p.index) }

// Topic is the name of the topic.
func (p *Partition) Topic() string { return p.topic }

// Index is the number of the partition in its topic.
func (p *Partition) Index() int32 { return p.index }

// StreamID is the id of the stream that holds the data.
func (p *Partition) StreamID() int64 { return p.log.ID() }

// Internal tells that the broker itself keeps something in the partition:
// clients may read it and not write.
func (p *Partition) Internal() bool { return p.options.Load().Internal }

// Gone is why the partition cannot be used any more, a kerr error: its topic
// was deleted, or another node leads it. Nil while it can. It is set before
// those who Watch are signalled.
func (p *Partition) Gone() error {
	if why := p.closed.Load(); why != nil {
		return fmt.Errorf("%s: %w", p, *why)
	}
	return nil
}

// LeaderEpoch is the epoch under which this node leads the partition.
func (p *Partition) LeaderEpoch() int32 { return p.epoch }

// HighWatermark is the durable end, exclusive: consumers see nothing beyond.
func (p *Partition) HighWatermark() int64 { return p.log.End() }

// LastStableOffset is where read_committed ends: the high watermark, as long
// as there are no transactions.
func (p *Partition) LastStableOffset() int64 { return p.log.End() }

// LogStartOffset is the first offset that can be read.
func (p *Partition) LogStartOffset() int64 { return p.log.Start() }

// Watch signals w whenever the high watermark or the log start advances and
// when the partition is Gone, until Unwatch.
func (p *Partition) Watch(w *stream.Waiter) { p.log.Watch(w) }

// Unwatch ends Watch.
func (p *Partition) Unwatch(w *stream.Waiter) { p.log.Unwatch(w) }

// Fetch reads whole batches from the one that holds offset on, up to the high
// watermark and maxBytes; with minOne the first batch comes whatever its size.
// The caller must Release the Read. kerr.OffsetOutOfRange when offset lies
// before LogStartOffset or beyond the high watermark.
func (p *Partition) Fetch(ctx context.Context, offset int64, maxBytes int, minOne bool) (*stream.Read, error) {
	return p.FetchFor(ctx, stream.Want{Offset: offset, MaxBytes: maxBytes, MinOne: minOne})
}

// FetchFor is Fetch for a reader that says who it is and whether it waits.
func (p *Partition) FetchFor(ctx context.Context, w stream.Want) (*stream.Read, error) {
	r, err := p.log.FetchFor(ctx, w)
	if err != nil {
		return nil, p.readError(err)
	}
	return r, nil
}

// Trim makes start the first offset that can be read; it is durable when Trim
// returns. kerr.OffsetOutOfRange beyond the high watermark.
func (p *Partition) Trim(ctx context.Context, start int64) error {
	if start > p.log.End() {
		return fmt.Errorf("%s: %w: trim to %d, the end is %d", p, kerr.OffsetOutOfRange, start, p.log.End())
	}
	if err := p.log.Trim(ctx, start); err != nil {
		return p.readError(err)
	}
	return nil
}

// EpochAt is the leader epoch of the record at offset; −1 when it is unknown.
func (p *Partition) EpochAt(offset int64) int32 { return p.epochs.Load().at(offset) }

// EndOffsetForEpoch answers OffsetForLeaderEpoch: the largest epoch known that
// is not above the one asked for, and the offset where it ends; −1, −1 for an
// epoch above the leader's.
func (p *Partition) EndOffsetForEpoch(epoch int32) (found int32, end int64) {
	return p.epochs.Load().end(epoch, p.epoch, p.log.End())
}

// readError translates the stream's errors.
func (p *Partition) readError(err error) error {
	// What is read of a partition while it is taken away may fail in any way.
	if gone := p.Gone(); gone != nil {
		return gone
	}
	code := kerr.KafkaStorageError
	switch {
	case errors.Is(err, stream.ErrOffsetOutOfRange):
		code = kerr.OffsetOutOfRange
	case errors.Is(err, stream.ErrClosed):
		code = kerr.NotLeaderForPartition
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		code = kerr.RequestTimedOut
	}
	return fmt.Errorf("%s: %w: %w", p, code, err)
}

// close refuses all further appends with why, a kerr error. Those in flight
// are answered by the stream.
func (p *Partition) close(why error) {
	p.closed.CompareAndSwap(nil, &why)
	p.log.Close()
}

// refusal is why nothing can be appended; nil when something can.
func (p *Partition) refusal() error {
	if err := p.Gone(); err != nil {
		return err
	}
	return p.flight.failure()
}

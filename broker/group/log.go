package group

import (
	"context"

	"github.com/tidelog/tide/broker/partition"
)

// TopicName is the internal topic that keeps committed offsets.
const TopicName = "__consumer_offsets"

// Record is a key and a value of the offsets log; a nil Value deletes the key.
type Record struct {
	Offset     int64 // in the log, of a record that was read
	Key, Value []byte
}

// Log is the durable log of offsets. PartitionLog makes one of a partition.
type Log interface {
	// Append adds the records as one batch, with the time now (ms), all or
	// none of them. It may block for room until ctx ends. After nil, done runs
	// once, in the order of the appends, with the offset of the first record,
	// when they are durable or have failed; it must not block. Errors wrap a
	// *kerr.Error. The caller keeps the records and calls one Append at a time.
	Append(ctx context.Context, now int64, records []Record, done func(base int64, err error)) error
	// Commit makes what was appended durable soon; it may do the I/O itself.
	Commit()
	// Read calls fn with every durable record, from the log's start on. The
	// record is valid during the call only. A batch that holds no records that
	// can be read is given to bad instead, with its offsets [start, end).
	Read(ctx context.Context, fn func(Record), bad func(start, end int64, err error)) error
	// Trim forgets the records before start. It may refuse for now, as while
	// start is not in an object yet.
	Trim(ctx context.Context, start int64) error
}

// PartitionLog keeps the log in a partition; commit is the engine's.
func PartitionLog(p *partition.Partition, commit func()) Log {
	return &partitionLog{p: p, commit: commit}
}

type partitionLog struct {
	p      *partition.Partition
	commit func()
	buf    []byte // of the one Append at a time; the partition copies it
}

func (l *partitionLog) Append(ctx context.Context, now int64, records []Record, done func(int64, error)) error {
	rs := make([]partition.Record, len(records))
	for i, r := range records {
		rs[i] = partition.Record{Key: r.Key, Value: r.Value}
	}
	l.buf = partition.BuildBatch(l.buf[:0], now, rs)
	return l.p.Append(ctx, l.buf, func(r partition.AppendResult) { done(r.BaseOffset, r.Err) })
}

func (l *partitionLog) Commit() { l.commit() }

func (l *partitionLog) Read(ctx context.Context, fn func(Record), bad func(start, end int64, err error)) error {
	return l.p.ForEachRecord(ctx, l.p.LogStartOffset(), func(r partition.Record) error {
		fn(Record{Offset: r.Offset, Key: r.Key, Value: r.Value})
		return nil
	}, bad)
}

func (l *partitionLog) Trim(ctx context.Context, start int64) error { return l.p.Trim(ctx, start) }

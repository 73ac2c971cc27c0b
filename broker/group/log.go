package group

import "context"

// TopicName is the internal topic that keeps committed offsets.
const TopicName = "__consumer_offsets"

// Record is a key and a value of the offsets log; a nil Value is a tombstone.
type Record struct {
	Key, Value []byte
}

// Log is the durable log of offsets. PartitionLog makes one of a partition.
type Log interface {
	Append(ctx context.Context, records []Record, done func(error)) (next int64, err error)
	Read(ctx context.Context, from int64, fn func(Record) error) error
	Start() int64
	End() int64
	Trim(ctx context.Context, start int64) error
}

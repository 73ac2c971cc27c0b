package upload

import "github.com/tidelog/tide/broker/object"

// StateFolder makes the partition-state records that travel with every commit
// (rule 7). The record for a committed end is a pure function of the record
// before it and the headers of the batches between: so the uploader folds it
// from what it uploads, and nothing has to stop appends to take a snapshot.
// Package partition implements it with the same code that it serves from.
type StateFolder interface {
	// Load starts from a record that an earlier State encoded; an empty one is
	// the state of a new stream. A record that cannot be read is an error.
	Load(streamID int64, record []byte) (State, error)
}

// State is the state of one partition at some offset of its stream.
type State interface {
	// Apply advances the state over one batch, the next in offset order. The
	// batch's payload is not kept.
	Apply(b object.RecordBatch) error
	// MaxTimestamp is the largest record timestamp, in ms, among the batches
	// applied since the last call; −1 when there was none.
	MaxTimestamp() int64
	// Encode returns the record for the offset after the last batch applied.
	Encode() []byte
}

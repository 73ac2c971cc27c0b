package meta

import "context"

// Local is a Controller in memory, without raft and without durability: for
// tests, which get the same state machine, change log and encoding as with it.
type Local struct {
	machine *Machine
}

// NewLocal returns an empty one.
func NewLocal() *Local { panic("meta: not there yet") }

// Propose implements Controller.
func (l *Local) Propose(ctx context.Context, cmd Command) (Result, error) {
	panic("meta: not there yet")
}

// Follow implements Controller.
func (l *Local) Follow(ctx context.Context, after uint64) (Update, error) {
	panic("meta: not there yet")
}

// Barrier implements Controller.
func (l *Local) Barrier(ctx context.Context) (uint64, error) { panic("meta: not there yet") }

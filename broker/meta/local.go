package meta

import (
	"context"
	"sync"
)

// Local is a Controller in memory, without raft and without durability: for
// tests, which get the same state machine, change log and encoding as with it.
type Local struct {
	mu      sync.Mutex // orders proposals
	index   uint64     // guarded by mu
	machine *Machine
}

// NewLocal returns an empty one. It has no goroutine and needs no Close.
func NewLocal() *Local { return newLocal(LogLimits{}) }

func newLocal(limits LogLimits) *Local { return &Local{machine: NewMachine(limits)} }

// Propose implements Controller. The command goes through its encoding, so that
// what does not survive it does not survive here either.
func (l *Local) Propose(ctx context.Context, cmd Command) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	data, err := EncodeCommand(cmd)
	if err != nil {
		return Result{}, err
	}
	decoded, err := DecodeCommand(data)
	if err != nil {
		return Result{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index++
	return l.machine.Apply(l.index, decoded)
}

// Follow implements Controller.
func (l *Local) Follow(ctx context.Context, after uint64) (Update, error) {
	return l.machine.Follow(ctx, after)
}

// Barrier implements Controller.
func (l *Local) Barrier(ctx context.Context) (uint64, error) {
	return l.machine.Index(), ctx.Err()
}

// Image is an independent copy of the state now.
func (l *Local) Image() *Image { return l.machine.Image() }

// Package wal is the write-ahead log.
package wal

import "context"

// Offset is a logical place in the log. It only grows, also over a reset; the
// position on the device is derived from it.
type Offset int64

// WAL is an open log.
type WAL struct{}

// Header is the content of a header slot.
type Header struct {
	Capacity   int64
	TrimOffset Offset
	Version    int64
	WindowMax  int64
	Clean      bool
	NodeID     int32
	NodeEpoch  int64
}

// Record is one record found by recovery.
type Record struct {
	Offset Offset
	Body   []byte // valid only during the callback
}

// RecoverOptions are the choices of a recovery scan.
type RecoverOptions struct {
	AcceptLoss bool
	Lenient    bool
	Progress   func(done, total int64)
}

// Recovery is what a recovery scan found.
type Recovery struct {
	Start, End Offset
	Records    int64
	Bytes      int64
	Dropped    int64
	Lost       int64
	Damage     []Damage
}

// Stats are counters since Open, and the present use of the ring.
type Stats struct {
	Use          int64
	RingCapacity int64
	Writes       int64
	Bytes        int64
	Records      int64
	HeaderWrites int64
	WindowStalls int64
	RingFull     int64
	MemoryFull   int64
	PaddingBytes int64
	WindowMax    int64
	Depth        int
}

// Slot is room for one record.
type Slot struct {
	Offset Offset
}

// Open reads the headers.
func Open(Config) (*WAL, error) { panic("skeleton") }

// Header is the newest valid header found.
func (w *WAL) Header() (Header, bool) { panic("skeleton") }

// Recover scans.
func (w *WAL) Recover(ctx context.Context, opt RecoverOptions, fn func(Record) error) (Recovery, error) {
	panic("skeleton")
}

// Reset starts a new life.
func (w *WAL) Reset(ctx context.Context, nodeEpoch int64) error { panic("skeleton") }

// Reserve takes room.
func (w *WAL) Reserve(n int) (Slot, error) { panic("skeleton") }

// Fill copies the record in.
func (s Slot) Fill(head, payload []byte) { panic("skeleton") }

// Commit leads or returns.
func (w *WAL) Commit() { panic("skeleton") }

// Trim frees space.
func (w *WAL) Trim(off Offset) error { panic("skeleton") }

// MaxBody is the largest body.
func (w *WAL) MaxBody() int { panic("skeleton") }

// Stats counts.
func (w *WAL) Stats() Stats { panic("skeleton") }

// Drain waits.
func (w *WAL) Drain(ctx context.Context) error { panic("skeleton") }

// Close ends.
func (w *WAL) Close(ctx context.Context, clean bool) error { panic("skeleton") }

// CheckOwner compares.
func CheckOwner(h Header, found bool, nodeID int32, lastOpened, lastClosed int64) error {
	panic("skeleton")
}

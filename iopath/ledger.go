package iopath

import (
	"fmt"
	"sync"

	"github.com/tidelog/tide/internal/align"
)

// Ledger keeps the promises that every Path makes in the same way: what a
// Write must look like, how many are in flight, the latch, one reaper, and
// what is refused after Close. A Path asks it before a write starts (Admit)
// and after one ended (Settle).
//
//	        Admit            the device         Settle
//	caller ───────▶ in flight ─────────▶ result ───────▶ Done
//	         │ ErrClosed, ErrLatched, ErrDepth     │ the first failure latches
type Ledger struct {
	name     string
	geometry Geometry
	arena    []byte

	reaping sync.Mutex // held by the one reaper, and by Close after it left

	mu       sync.Mutex
	inFlight int   // admitted and not settled; guarded by mu
	latched  error // the first failure, or nil; guarded by mu
	closed   bool  // guarded by mu
}

// NewLedger returns the ledger of the path called name in errors.
func NewLedger(name string, g Geometry, arena []byte) *Ledger {
	return &Ledger{name: name, geometry: g, arena: arena}
}

// Geometry is part of Path.
func (l *Ledger) Geometry() Geometry { return l.geometry }

// Arena is part of Path.
func (l *Ledger) Arena() []byte { return l.arena }

// Admit counts ws as in flight, all of them or, with an error, none. A Write
// that breaks the caller's side of the contract panics: it could only have
// reached the device in a wrong place.
func (l *Ledger) Admit(ws []*Write) error {
	for _, w := range ws {
		l.check(w)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return fmt.Errorf("%s: %w", l.name, ErrClosed)
	case l.latched != nil:
		return l.latched
	case l.inFlight+len(ws) > l.geometry.Depth:
		return fmt.Errorf("%s: %d in flight and %d more at depth %d: %w",
			l.name, l.inFlight, len(ws), l.geometry.Depth, ErrDepth)
	}
	l.inFlight += len(ws)
	return nil
}

// check panics with the values of a write that no path may carry out.
func (l *Ledger) check(w *Write) {
	n, unit := int64(len(w.Buf)), int64(l.geometry.Block)
	ok := w.Done != nil && n > 0 && align.Is(n, unit) && align.Is(w.Pos, unit) &&
		w.Pos >= 0 && w.Pos <= l.geometry.Capacity-n &&
		align.Memory(w.Buf, int(unit)) && align.Within(w.Buf, l.arena)
	if ok {
		return
	}
	panic(fmt.Sprintf("%s: write breaks the contract: pos %d, len %d, capacity %d, block %d, "+
		"memory aligned %t, in the arena %t, has Done %t", l.name, w.Pos, n, l.geometry.Capacity, unit,
		align.Memory(w.Buf, int(unit)), align.Within(w.Buf, l.arena), w.Done != nil))
}

// Settle takes a write out of flight with the result that the device gave and
// sets its Err. The first failure latches; from then on every write has
// failed, whatever the device said, because a caller that saw an error before
// must not be told later that what came after it is safe. The caller runs Done.
func (l *Ledger) Settle(w *Write, result error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if result != nil && l.latched == nil {
		l.latched = fmt.Errorf("%s: write of %d bytes at %d: %w: %w", l.name, len(w.Buf), w.Pos, ErrLatched, result)
	}
	w.Err = l.latched
	l.inFlight--
}

// InFlight is the number of writes admitted and not settled.
func (l *Ledger) InFlight() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inFlight
}

// Hopeless returns why a reaper that waits would wait for ever: the path is
// closed, or it latched and nothing is left in flight. Otherwise nil.
func (l *Ledger) Hopeless() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return fmt.Errorf("%s: %w", l.name, ErrClosed)
	case l.latched != nil && l.inFlight == 0:
		return l.latched
	default:
		return nil
	}
}

// StartReap makes the caller the one reaper until EndReap. Two at a time break
// the contract and panic; one that comes after Close gets ErrClosed.
func (l *Ledger) StartReap() error {
	if !l.reaping.TryLock() {
		// Close holds the lock for good, after it set closed.
		if err := l.closedError(); err != nil {
			return err
		}
		panic(l.name + ": two reapers at a time")
	}
	if err := l.closedError(); err != nil {
		l.reaping.Unlock()
		return err
	}
	return nil
}

// EndReap ends what StartReap began.
func (l *Ledger) EndReap() { l.reaping.Unlock() }

func (l *Ledger) closedError() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("%s: %w", l.name, ErrClosed)
	}
	return nil
}

// Shut refuses everything from now on; the second call gets ErrClosed. The
// path then makes its reaper leave and calls AwaitReaper.
func (l *Ledger) Shut() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("%s: %w", l.name, ErrClosed)
	}
	l.closed = true
	return nil
}

// AwaitReaper returns when no reaper is left, and none can come. It belongs
// to Close, after Shut.
func (l *Ledger) AwaitReaper() { l.reaping.Lock() }

// CheckRead returns what is wrong with a read, or nil. Unlike a write's, a
// read's position may come from bytes on the device, and is refused without a
// panic.
func (l *Ledger) CheckRead(p []byte, pos int64) error {
	n, unit := int64(len(p)), int64(l.geometry.Block)
	switch {
	case !align.Is(n, unit) || !align.Is(pos, unit) || !align.Memory(p, int(unit)):
		return fmt.Errorf("%s: read of %d bytes at %d (memory aligned: %t): want multiples of %d",
			l.name, n, pos, align.Memory(p, int(unit)), unit)
	case pos < 0 || pos > l.geometry.Capacity-n:
		return fmt.Errorf("%s: read of %d bytes at %d: the capacity is %d", l.name, n, pos, l.geometry.Capacity)
	default:
		return l.closedError()
	}
}

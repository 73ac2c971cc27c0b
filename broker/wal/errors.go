package wal

import (
	"errors"
	"fmt"
)

// Errors of the log. All are wrapped with the facts; match with errors.Is.
var (
	// ErrFull: no ring space, or no buffer memory, for this record now.
	// Nothing was reserved. OnSpace runs when trying again may succeed.
	ErrFull = errors.New("wal is full")
	// ErrTooLarge: the record can never fit; see MaxBody.
	ErrTooLarge = errors.New("record is too large for the wal")
	// ErrLatched: an earlier write failed or hung. The log takes nothing more,
	// and nothing that was in flight will ever be reported durable. The cause
	// is wrapped beside it.
	ErrLatched = errors.New("wal latched by an earlier failure")
	// ErrClosed: Close was called, or Reset was not yet.
	ErrClosed = errors.New("wal is not open for appends")
	// ErrDamaged: the log proves that records which were acknowledged are
	// gone. The concrete type is *DamagedError.
	ErrDamaged = errors.New("wal is damaged")
	// ErrForeign: this is not the log that the node wrote last.
	ErrForeign = errors.New("wal belongs to another node or an older life")
	// ErrNotEmpty: a clean close was asked for while records are still live.
	ErrNotEmpty = errors.New("wal still holds records that were not trimmed")
)

// Damage is one range of the log in which acknowledged records are lost or
// cannot be trusted.
type Damage struct {
	From, To Offset // half open
	Reason   string // what proves it
}

// String names the range and the proof.
func (d Damage) String() string {
	return fmt.Sprintf("offsets [%d, %d): %s", d.From, d.To, d.Reason)
}

// DamagedError carries every damaged range that recovery found.
type DamagedError struct {
	Damage []Damage
}

// Error lists the ranges.
func (e *DamagedError) Error() string {
	s := ErrDamaged.Error()
	for i, d := range e.Damage {
		if i == 0 {
			s += ": " + d.String()
		} else {
			s += "; " + d.String()
		}
	}
	return s
}

// Unwrap makes errors.Is(err, ErrDamaged) hold.
func (e *DamagedError) Unwrap() error { return ErrDamaged }

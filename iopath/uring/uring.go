// Package uring writes through io_uring with O_DIRECT: any number of writes go
// to the kernel in one system call and their completions come back through
// memory that is shared with it.
//
//	Submit ─▶ SQEs ──io_uring_enter──▶ kernel ─▶ device
//	                                     │
//	Reap ◀── CQEs (shared memory) ◀──────┘   io_uring_enter only to wait
//
// A ring has one of two modes, and which is better is an axis of the matrix:
//
//	leader   a mutex guards the submitting side; any goroutine may submit, any
//	         one may reap. An appender that finds nobody leading does both
//	         itself, without a hand-off. COOP_TASKRUN.
//	owner    one locked thread sets up, submits and takes completions; the
//	         others hand over and are handed back to. SINGLE_ISSUER and
//	         DEFER_TASKRUN: the kernel takes no locks and interrupts nobody.
//
// The ring is our own, on plain system calls (ring_linux.go draws it). With the
// build tag giouring the library of that name can stand in its place.
package uring

import "github.com/tidelog/tide/iopath"

// Config says what to open and how.
type Config struct {
	iopath.OpenOptions
	// Mode of the ring: iopath.ModeLeader, the default, or ModeOwner.
	Mode string
	// Ring that is used: iopath.RingOwn, the default, or RingGiouring, which
	// is there only in a build with its tag.
	Ring string
	// Fixed registers the arena and the file with the kernel at Open, which
	// then looks neither up for each write. The arena counts as locked memory.
	Fixed bool
	// SQPoll has a kernel thread take submissions from shared memory, so that
	// Submit is no system call. The thread spins for a second after the last
	// one: it takes a core. Not with ModeOwner.
	SQPoll bool
}

func (c Config) withDefaults() Config {
	c.OpenOptions = c.OpenOptions.WithDefaults()
	if c.Mode == "" {
		c.Mode = iopath.ModeLeader
	}
	if c.Ring == "" {
		c.Ring = iopath.RingOwn
	}
	return c
}

// Feature is something that the kernel offers, or not.
type Feature struct {
	Name   string // as in the WAL URL
	OK     bool
	Reason string // why it is missing, and the remedy; empty when it is there
}

// Package uring writes through io_uring with O_DIRECT: any number of writes go
// to the kernel in one system call and their completions come back through
// memory that is shared with it.
//
//	Submit ─▶ SQEs ──io_uring_enter──▶ kernel ─▶ device
//	                                     │
//	Reap ◀── CQEs (shared memory) ◀──────┘   io_uring_enter only to wait
//
// The ring is our own, on plain system calls; ring_linux.go draws it. Its mode
// is "leader": a mutex guards the submitting side, any goroutine may submit
// and any one may reap, so that an appender which finds nobody leading does
// both itself.
package uring

import "github.com/tidelog/tide/iopath"

// Config says what to open and how.
type Config struct {
	iopath.OpenOptions
	// Mode of the ring. Default iopath.ModeLeader, the only one so far.
	Mode string
}

package model

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// systemClock waits in ppoll, to within some 10 µs on a quiet machine: Go's own
// timers round up to a millisecond on an idle one, more than a volume takes. An
// eventfd in the same call is the interrupt.
type systemClock struct {
	start time.Time
	event int

	mu     sync.RWMutex
	closed bool // the descriptor may be somebody else's by now; guarded by mu
}

// NewClock returns the system's clock.
func NewClock() (Clock, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	return &systemClock{start: time.Now(), event: fd}, nil
}

// Now is part of Clock.
func (c *systemClock) Now() time.Duration { return time.Since(c.start) }

// Wait is part of Clock.
func (c *systemClock) Wait(until time.Duration) {
	var timeout *unix.Timespec
	if until != Forever {
		ts := unix.NsecToTimespec(int64(max(0, until-c.Now())))
		timeout = &ts
	}
	exact()
	fds := [1]unix.PollFd{{Fd: int32(c.event), Events: unix.POLLIN}}
	n, err := unix.Ppoll(fds[:], timeout, nil)
	if err != nil && !errors.Is(err, unix.EINTR) {
		panic(fmt.Sprintf("ppoll on our own eventfd: %v", err))
	}
	if n > 0 {
		var count [8]byte
		_, _ = unix.Read(c.event, count[:]) // EAGAIN: nothing to take back
	}
}

// exact has the kernel end the next wait of this thread when it is due, instead
// of up to 50 µs later together with other timers. The goroutine may change
// threads before it waits, which costs the 50 µs once.
func exact() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) }

// one is what an eventfd is to be raised by, in any byte order not 0.
var one = [8]byte{1}

// Interrupt is part of Clock.
func (c *systemClock) Interrupt() {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.closed {
		_, _ = unix.Write(c.event, one[:]) // EAGAIN: it is raised already
	}
}

// Sleep is part of Clock.
func (c *systemClock) Sleep(until time.Duration) {
	for left := until - c.Now(); left > 0; left = until - c.Now() {
		ts := unix.NsecToTimespec(int64(left))
		exact()
		_ = unix.Nanosleep(&ts, nil) // EINTR: the rest is slept by the next
	}
}

// Close is part of Clock.
func (c *systemClock) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return unix.Close(c.event)
}

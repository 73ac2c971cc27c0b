package model

import (
	"math"
	"sync"
	"time"
)

// Forever is a time that does not come.
const Forever = time.Duration(math.MaxInt64)

// Clock is how a path lets modelled time pass.
type Clock interface {
	// Now is the time since some beginning; it never runs backwards.
	Now() time.Duration
	// Wait returns at the given time, or after an Interrupt that came since
	// the Wait before. Only the path's reaper calls it.
	Wait(until time.Duration)
	// Interrupt ends a Wait, or the next one.
	Interrupt()
	// Sleep returns at the given time; any goroutine may call it.
	Sleep(until time.Duration)
	// Close releases what the clock holds. Nobody waits any more.
	Close() error
}

// timerClock goes by package time: to the millisecond on an idle machine, and
// exactly, at no cost, inside of testing/synctest.
type timerClock struct {
	start       time.Time
	interrupted chan struct{}
}

// NewTimerClock returns the clock of package time, whose waits the runtime
// rounds up to a millisecond where nothing else happens. It is meant for
// testing/synctest, where waits are virtual and exact.
func NewTimerClock() Clock {
	return &timerClock{start: time.Now(), interrupted: make(chan struct{}, 1)}
}

// Now is part of Clock.
func (c *timerClock) Now() time.Duration { return time.Since(c.start) }

// Wait is part of Clock.
func (c *timerClock) Wait(until time.Duration) {
	if until == Forever {
		<-c.interrupted
		return
	}
	timer := time.NewTimer(until - c.Now())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.interrupted:
	}
}

// Interrupt is part of Clock.
func (c *timerClock) Interrupt() {
	select {
	case c.interrupted <- struct{}{}:
	default: // one is pending, and one is enough
	}
}

// Sleep is part of Clock.
func (c *timerClock) Sleep(until time.Duration) { time.Sleep(until - c.Now()) }

// Close is part of Clock.
func (c *timerClock) Close() error { return nil }

// VirtualClock stands still until somebody waits, and then jumps there: a
// simulation takes no longer than its computing, and with one goroutine it is
// the same each time.
type VirtualClock struct {
	interrupted chan struct{}

	mu  sync.Mutex
	now time.Duration // guarded by mu
}

// NewVirtualClock returns a clock that stands at 0.
func NewVirtualClock() *VirtualClock {
	return &VirtualClock{interrupted: make(chan struct{}, 1)}
}

// Now is part of Clock.
func (c *VirtualClock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Wait is part of Clock. Only for Forever does it really wait.
func (c *VirtualClock) Wait(until time.Duration) {
	if until == Forever {
		<-c.interrupted
		return
	}
	select {
	case <-c.interrupted:
	default:
		c.Sleep(until)
	}
}

// Interrupt is part of Clock.
func (c *VirtualClock) Interrupt() {
	select {
	case c.interrupted <- struct{}{}:
	default:
	}
}

// Sleep is part of Clock: it moves the time on.
func (c *VirtualClock) Sleep(until time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = max(c.now, until)
}

// Close is part of Clock.
func (c *VirtualClock) Close() error { return nil }

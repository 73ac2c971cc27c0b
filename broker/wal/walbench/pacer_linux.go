package walbench

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// nap is the longest single sleep, so that a cancelled context is seen.
const nap = 50 * time.Millisecond

// pacer sleeps on a thread of its own: the runtime's timers are late by up to
// a millisecond on an idle process.
type pacer struct {
	now    func() int64
	offset int64 // CLOCK_MONOTONIC − now, ns
}

// newPacer locks the calling goroutine to its thread until close.
func newPacer(now func() int64) *pacer {
	runtime.LockOSThread()
	// The kernel may add its timer slack (50 µs by default) to every sleep.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // cannot fail for this clock
	return &pacer{now: now, offset: ts.Nano() - now()}
}

func (p *pacer) close() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // 0: the process's default
	runtime.UnlockOSThread()
}

// until sleeps up to t; false when ctx ended. A time that has passed returns at
// once: the caller catches up in a burst.
func (p *pacer) until(ctx context.Context, t int64) bool {
	for now := p.now(); now < t; now = p.now() {
		if ctx.Err() != nil {
			return false
		}
		ts := unix.NsecToTimespec(min(t, now+int64(nap)) + p.offset)
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil) // a signal: look again
	}
	return true
}

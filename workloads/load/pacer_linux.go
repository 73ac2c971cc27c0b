package load

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// nap is the longest single sleep, so that a cancelled context is seen.
const nap = 50 * time.Millisecond

// pacer sleeps on a thread of its own.
type pacer struct {
	clock  *Clock
	offset int64 // CLOCK_MONOTONIC − Clock, ns
}

// newPacer locks the calling goroutine to its thread until close.
func newPacer(c *Clock) (*pacer, error) {
	runtime.LockOSThread()
	// The kernel may add its timer slack (50 µs by default) to every sleep.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	return &pacer{clock: c, offset: ts.Nano() - c.Now()}, nil
}

func (p *pacer) close() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // 0: the process's default
	runtime.UnlockOSThread()
}

// until sleeps up to t (ns of the Clock), and says whether it slept. A time that
// has passed returns at once: the caller catches up in a burst and the delay is
// measured.
func (p *pacer) until(ctx context.Context, t int64) (slept bool, err error) {
	for {
		now := p.clock.Now()
		if now >= t {
			return slept, ctx.Err()
		}
		slept = true
		ts := unix.NsecToTimespec(min(t, now+int64(nap)) + p.offset)
		err := unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil)
		if err != nil && err != unix.EINTR {
			return slept, err
		}
		if ctx.Err() != nil {
			return slept, ctx.Err()
		}
	}
}

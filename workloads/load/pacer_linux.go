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
	nice   int   // of the thread before, if it was raised
	raised bool
}

// pacerNice is asked for and not insisted on: most users may not. The thread
// runs for some µs a send and must then run at once, whatever consumers and
// verification have to do; without it, it waits for them as for anything else,
// and its error says so.
const pacerNice = -15

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
	p := &pacer{clock: c, offset: ts.Nano() - c.Now()}
	p.raise()
	return p, nil
}

func (p *pacer) raise() {
	const raw = 20 // the system call answers 20 − nice, so that it is never negative
	was, err := unix.Getpriority(unix.PRIO_PROCESS, unix.Gettid())
	if err != nil || unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), pacerNice) != nil {
		return
	}
	p.nice, p.raised = raw-was, true
}

func (p *pacer) close() {
	if p.raised {
		_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), p.nice) // lowering is always allowed
	}
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

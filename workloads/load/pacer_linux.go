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
	offset int64           // CLOCK_MONOTONIC − Clock, ns
	was    *unix.SchedAttr // how the thread was scheduled before; nil: as it is
}

// pacerNice is asked for and not insisted on: most users may not. The thread
// runs for some µs a send and must then run at once, whatever consumers and
// verification have to do; without it, it waits for them as for anything else,
// and its error says so.
const pacerNice = -15

// pacerSlice is asked for as well, and everybody may. Without it, a thread that
// wakes up waits until the one that runs has had its slice, whatever its
// priority: 3 ms, which was what sends were late by at p99 where brokers and
// clients took both processors. Linux has it from 6.12 on; older ones do not
// look at it.
const pacerSlice = 100 * time.Microsecond // the shortest that there is

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
	was, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return
	}
	for _, nice := range []int32{pacerNice, was.Nice} {
		want := *was
		want.Nice, want.Runtime = nice, uint64(pacerSlice)
		if unix.SchedSetAttr(0, &want, 0) == nil {
			p.was = was
			return
		}
	}
}

func (p *pacer) close() {
	if p.was != nil {
		p.was.Runtime = 0                  // the slice that all have
		_ = unix.SchedSetAttr(0, p.was, 0) // a lower priority is always allowed
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

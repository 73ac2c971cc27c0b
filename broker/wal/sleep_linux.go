package wal

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleepExactly sleeps in the kernel: the runtime's timers are late by up to a
// millisecond on an idle process, which is more than any linger of use. It
// holds a thread meanwhile. A signal ends it early.
//
// The kernel adds a thread's timer slack to every sleep, 50 µs by default. It is
// taken away from whatever thread this happens to be; that only makes it
// punctual.
func sleepExactly(d time.Duration) {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &ts, nil)
}

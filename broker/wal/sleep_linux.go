package wal

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleepExactly sleeps in the kernel: the runtime's timers are late by up to a
// millisecond on an idle process, which is more than any linger of use. It
// holds a thread meanwhile. A signal ends it early.
func sleepExactly(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &ts, nil)
}

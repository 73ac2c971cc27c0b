package walbench

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is what this process has used, user and system. Kernel workers that
// write for it are not in it.
func cpuTime() time.Duration {
	var ru unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &ru); err != nil {
		return 0
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// OwnCPU is what this process has used, user and system; 0 where it is not known.
func OwnCPU() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

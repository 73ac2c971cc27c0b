package load

import (
	"fmt"
	"os"
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

// OwnRSS is this process's resident memory, bytes; 0 where it is not known.
func OwnRSS() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}

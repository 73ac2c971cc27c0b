package target

import (
	"os"
	"syscall"
	"time"
)

// Usage is what a process has cost, over all its restarts.
type Usage struct {
	CPU     time.Duration // user and system, kernel workers of its rings included
	PeakRSS int64         // bytes, the highest of any of its lives
	RSS     int64         // bytes at present, 0 when dead
	// PeakMemory is the most that its cgroup held, page cache included, in
	// bytes; 0 where it has none of its own (memory=).
	PeakMemory int64
}

// plus adds two lives of a process.
func (u Usage) plus(v Usage) Usage {
	return Usage{CPU: u.CPU + v.CPU, PeakRSS: max(u.PeakRSS, v.PeakRSS), RSS: v.RSS, PeakMemory: max(u.PeakMemory, v.PeakMemory)}
}

// usageOf a process that has ended.
func usageOf(s *os.ProcessState) Usage {
	if s == nil {
		return Usage{}
	}
	u := Usage{CPU: s.UserTime() + s.SystemTime()}
	if r, ok := s.SysUsage().(*syscall.Rusage); ok {
		u.PeakRSS = int64(r.Maxrss) << 10 // KiB on Linux
	}
	return u
}

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
}

// plus adds two lives of a process.
func (u Usage) plus(v Usage) Usage {
	return Usage{CPU: u.CPU + v.CPU, PeakRSS: max(u.PeakRSS, v.PeakRSS), RSS: v.RSS}
}

// Usage of the broker up to now.
func (p *Process) Usage() Usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return p.past
	}
	return p.past.plus(usageOfPID(p.run.cmd.Process.Pid))
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

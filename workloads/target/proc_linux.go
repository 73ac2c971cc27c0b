package target

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// dieWithParent has the kernel kill the child when the thread that started it
// ends. Go ends a thread only when a goroutine locked to it returns; the
// goroutines here are not locked, so in effect this is the parent's death. A
// process group of its own keeps Ctrl-C at a terminal from the broker, which
// is stopped in its turn.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// clockTick is USER_HZ, which is 100 on every architecture that Go supports.
const clockTick = 10 * time.Millisecond

// usageOfPID reads /proc; a process that is gone has used nothing more.
func usageOfPID(pid int) Usage {
	var u Usage
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u
	}
	// The command's name may hold blanks; the fields are counted behind it.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const utime, stime = 11, 12 // fields 14 and 15 of proc(5), less the first three
	if len(fields) > stime {
		u.CPU = ticks(fields[utime]) + ticks(fields[stime])
	}
	u.PeakRSS, u.RSS = status(pid)
	return u
}

func ticks(s string) time.Duration {
	n, _ := strconv.ParseInt(s, 10, 64) // the kernel's own digits
	return time.Duration(n) * clockTick
}

// status reads VmHWM and VmRSS, in bytes.
func status(pid int) (peak, rss int64) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		var kib int64
		if n, _ := fmt.Sscanf(in.Text(), "VmHWM: %d kB", &kib); n == 1 {
			peak = kib << 10
		}
		if n, _ := fmt.Sscanf(in.Text(), "VmRSS: %d kB", &kib); n == 1 {
			rss = kib << 10
		}
	}
	return peak, rss
}

// io is what the process has caused to be written to devices, in bytes, by the
// kernel's account, which counts a page once it is dirty.
func (c *child) io() Metrics {
	r := c.current()
	if r == nil {
		return nil
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", r.cmd.Process.Pid))
	if err != nil {
		return nil
	}
	m := Metrics{}
	for line := range strings.Lines(string(text)) {
		var n int64
		if got, _ := fmt.Sscanf(line, "write_bytes: %d", &n); got == 1 {
			m["tide_process_written_bytes_total"] = float64(n)
		}
	}
	return m
}

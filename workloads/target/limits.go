package target

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"github.com/tidelog/tide/internal/units"
)

// Bounds of what can be asked for.
const (
	maxCPU    = 1023     // the highest number in a set of processors
	minMemory = 64 << 20 // bytes; nothing of what is started here lives with less
)

// limits are what a process may use of the machine. A nil one limits nothing.
//
//	cpus=0-1,4     the processors it and its threads run on
//	memory=2GiB    a cgroup of its own: heap, arenas and page cache together
type limits struct {
	cpus   []int
	memory int64  // bytes; 0: no limit
	group  string // directory of the cgroup, once there is one
}

// parseLimits reads the two keys; empty ones limit nothing.
func parseLimits(cpus, memory string) (*limits, error) {
	l := &limits{}
	var err, errMemory error
	if cpus != "" {
		l.cpus, err = parseCPUs(cpus)
	}
	if memory != "" {
		l.memory, errMemory = units.ParseSize(memory)
		if errMemory == nil && l.memory < minMemory {
			errMemory = fmt.Errorf("%s: want at least %s", memory, units.Size(minMemory))
		}
		if errMemory != nil {
			errMemory = fmt.Errorf("memory: %w", errMemory)
		}
	}
	return l, errors.Join(err, errMemory)
}

// parseCPUs reads a list such as 0-1,4, as taskset has it.
func parseCPUs(text string) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(part, "-")
		a, errA := strconv.Atoi(from)
		b, errB := a, error(nil)
		if isRange {
			b, errB = strconv.Atoi(to)
		}
		if errA != nil || errB != nil || a < 0 || b < a || b > maxCPU {
			return nil, fmt.Errorf("cpus: %q: want processors such as 0-1,4", text)
		}
		for cpu := a; cpu <= b; cpu++ {
			out = append(out, cpu)
		}
	}
	return out, nil
}

// start starts the command under the limits.
func (l *limits) start(cmd *exec.Cmd) error {
	if l == nil {
		return cmd.Start()
	}
	if err := l.makeGroup(); err != nil {
		return err
	}
	if err := l.pinned(cmd.Start); err != nil {
		return err
	}
	if err := l.enter(cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill() // it is of no use without its limit
		return errors.Join(err, cmd.Wait())
	}
	return nil
}

// hint is what is to be said of a process that ended so: the kernel kills what
// needs more than its group may have, and that says nothing itself.
func (l *limits) hint(state error) string {
	if l == nil || l.memory == 0 || state == nil || state.Error() != "signal: killed" {
		return ""
	}
	return " (it was killed: memory=" + units.Size(l.memory) + " may be too little for it)"
}

// close removes the cgroup; the process must have ended.
func (l *limits) close() {
	if l != nil && l.group != "" {
		l.removeGroup()
	}
}

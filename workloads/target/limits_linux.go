package target

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// pinned calls start on a thread that runs on the processors only: a process
// inherits them from the thread that makes it, so no thread of it ever runs
// elsewhere.
func (l *limits) pinned(start func() error) error {
	if len(l.cpus) == 0 {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("cpus: %w", err)
	}
	for _, cpu := range l.cpus {
		if !before.IsSet(cpu) {
			return fmt.Errorf("cpus: there is no processor %d for this process, which has %d", cpu, before.Count())
		}
		set.Set(cpu)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("cpus: %w", err)
	}
	err := start()
	if back := unix.SchedSetaffinity(0, &before); back != nil {
		runtime.LockOSThread() // never unlocked: a thread that is pinned for good serves no other goroutine
	}
	return err
}

// cgroupRoot is where the kernel's groups are mounted.
const cgroupRoot = "/sys/fs/cgroup"

// groups numbers the groups of this process.
var groups atomic.Int64

// makeGroup makes a cgroup with the limit, of version 2 or 1.
func (l *limits) makeGroup() error {
	if l.memory == 0 || l.group != "" {
		return nil
	}
	parent, file := groupParent()
	removeLeftGroups(parent)
	dir := filepath.Join(parent, fmt.Sprintf("%s%d-%d", groupPrefix, os.Getpid(), groups.Add(1)))
	err := os.Mkdir(dir, 0o755)
	if err == nil {
		l.group = dir
		err = os.WriteFile(filepath.Join(dir, file), []byte(strconv.FormatInt(l.memory, 10)), 0)
	}
	if err != nil {
		l.close()
		return fmt.Errorf("memory: no cgroup with a limit can be made here: %w (run as root where %s is writable and has the memory controller, or leave memory= out)", err, parent)
	}
	return nil
}

// groupPrefix is followed by the number of the process that made the group.
const groupPrefix = "tide-bench-"

// removeLeftGroups removes what benchmarks that were killed have left. The
// kernel refuses to remove a group in which something lives.
func removeLeftGroups(parent string) {
	left, _ := filepath.Glob(filepath.Join(parent, groupPrefix+"*")) // the pattern is good
	for _, dir := range left {
		var pid, n int
		if _, err := fmt.Sscanf(filepath.Base(dir), groupPrefix+"%d-%d", &pid, &n); err != nil || unix.Kill(pid, 0) != unix.ESRCH {
			continue
		}
		_ = os.Remove(dir)
	}
}

// enter moves a process that has just begun into its group.
func (l *limits) enter(pid int) error {
	if l.group == "" {
		return nil
	}
	return enterGroup(l.group, pid)
}

func enterGroup(dir string, pid int) error {
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0); err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	return nil
}

// ownGroup is the directory of the memory group that this process is in.
//
//	0::/a/b           version 2
//	4:memory:/a/b     version 1; the second field is a list
func ownGroup() (string, error) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", fmt.Errorf("memory: %w", err)
	}
	parent, _ := groupParent()
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		v2 := parent == cgroupRoot && fields[1] == ""
		if v2 || parent != cgroupRoot && slices.Contains(strings.Split(fields[1], ","), "memory") {
			dir := filepath.Join(parent, fields[2])
			if _, err := os.Stat(filepath.Join(dir, "cgroup.procs")); err != nil {
				return "", fmt.Errorf("memory: the cgroup of this process is not to be seen here: %w", err)
			}
			return dir, nil
		}
	}
	return "", errors.New("memory: this process is in no cgroup")
}

// groupParent is where groups are made, of version 2 or 1, and the file of their
// limit.
func groupParent() (dir, file string) {
	if _, err := os.Stat(filepath.Join(cgroupRoot, "cgroup.controllers")); err != nil {
		return filepath.Join(cgroupRoot, "memory"), "memory.limit_in_bytes"
	}
	return cgroupRoot, "memory.max"
}

// peak is the most that the group has held, page cache included, in bytes; 0
// where there is none, or no way to know.
func (l *limits) peak() int64 {
	if l == nil || l.group == "" {
		return 0
	}
	for _, file := range []string{"memory.peak", "memory.max_usage_in_bytes"} {
		if text, err := os.ReadFile(filepath.Join(l.group, file)); err == nil {
			n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // the kernel's own digits
			return n
		}
	}
	return 0
}

func (l *limits) removeGroup() {
	_ = os.Remove(l.group) // fails while something lives in it, and is empty but for the kernel's files
	l.group = ""
}

package results

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ReadEnv looks at the machine; dir is where the target keeps its data.
func ReadEnv(dir string) Env {
	b := Build()
	e := Env{
		Build: b, Modules: b.Modules, Kernel: Kernel(),
		CPU: CPU{
			Model:    field("/proc/cpuinfo", "model name"),
			Cores:    runtime.NumCPU(),
			Governor: line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
		},
		Memory: memory(),
		Clock:  line("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
		Load:   firstFields("/proc/loadavg", 3),
	}
	e.Filesystem, e.Device = storage(dir)
	return e
}

// ReadCPUTicks reads the machine's CPU time.
func ReadCPUTicks() CPUTicks {
	var t CPUTicks
	fields := strings.Fields(line("/proc/stat"))
	for i, f := range fields {
		v, err := strconv.ParseUint(f, 10, 64)
		if err != nil || i > 8 { // 9 and 10 are guests, which user time holds already
			continue
		}
		t.total += v
		if i == 8 {
			t.steal = v
		}
	}
	return t
}

func line(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(first)
}

func firstFields(path string, n int) string {
	f := strings.Fields(line(path))
	return strings.Join(f[:min(n, len(f))], " ")
}

// field finds "name : value".
func field(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		k, v, ok := strings.Cut(in.Text(), ":")
		if ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func memory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit)
}

// storage finds filesystem and device under a directory by its device number.
func storage(dir string) (string, Device) {
	var st unix.Stat_t
	if unix.Stat(dir, &st) != nil {
		return "", Device{}
	}
	number := fmt.Sprintf("%d:%d", unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev)))
	path, err := filepath.EvalSymlinks("/sys/dev/block/" + number)
	if err != nil {
		return filesystem(number), Device{} // tmpfs, overlay: no device of its own
	}
	queue := filepath.Join(path, "queue")
	if _, err := os.Stat(queue); err != nil {
		queue = filepath.Join(filepath.Dir(path), "queue") // a partition: its disk has the queue
	}
	return filesystem(number), Device{
		Name:       filepath.Base(path),
		WriteCache: line(filepath.Join(queue, "write_cache")),
		FUA:        line(filepath.Join(queue, "fua")),
		Scheduler:  line(filepath.Join(queue, "scheduler")),
		Rotational: line(filepath.Join(queue, "rotational")),
		MaxKiB:     line(filepath.Join(queue, "max_sectors_kb")),
	}
}

// filesystem looks a device number up in mountinfo, whose lines read
// "id parent MAJOR:MINOR root mountpoint options … - TYPE source …".
func filesystem(number string) string {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		left, right, ok := strings.Cut(in.Text(), " - ")
		fields := strings.Fields(left)
		if ok && len(fields) > 2 && fields[2] == number {
			kind, _, _ := strings.Cut(right, " ")
			return kind
		}
	}
	return ""
}

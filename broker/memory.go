package broker

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
)

// defaultMemory is assumed where the machine does not say what it has.
const defaultMemory = 1 << 30

// availableMemory is the machine's memory or, when it is less, the limit of
// the control group that the process runs in; bytes.
func availableMemory() int64 {
	memory := int64(defaultMemory)
	if kib, ok := memTotal("/proc/meminfo"); ok {
		memory = kib << 10
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && limit > 0 {
			memory = min(memory, limit)
		}
	}
	return memory
}

// memTotal reads the line "MemTotal: N kB".
func memTotal(file string) (kib int64, ok bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if rest, found := strings.CutPrefix(lines.Text(), "MemTotal:"); found {
			kib, err = strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib, err == nil
		}
	}
	return 0, false
}

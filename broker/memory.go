package broker

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// defaultMemory is assumed where the machine does not say what it has.
const defaultMemory = 1 << 30

// availableMemory is the machine's memory or, when it is less, the least limit
// of the control groups that the process runs in; bytes.
func availableMemory() int64 {
	memory := int64(defaultMemory)
	if kib, ok := memTotal("/proc/meminfo"); ok {
		memory = kib << 10
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return memory
	}
	for _, file := range limitFiles(string(groups), "/sys/fs/cgroup") {
		if limit, ok := memoryLimit(file); ok {
			memory = min(memory, limit)
		}
	}
	return memory
}

// limitFiles are where the limits of the process may stand, from its own group
// up to the root of what it sees. Lines are ID:CONTROLLERS:PATH; version 2 has
// one, 0::PATH, and version 1 one for each controller.
func limitFiles(groups, root string) []string {
	var files []string
	for line := range strings.Lines(groups) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		dir, name := root, "memory.max"
		if parts[1] != "" {
			dir, name = filepath.Join(root, "memory"), "memory.limit_in_bytes"
		}
		if parts[1] != "" && !slices.Contains(strings.Split(parts[1], ","), "memory") {
			continue
		}
		for at := filepath.Clean("/" + parts[2]); ; at = filepath.Dir(at) {
			files = append(files, filepath.Join(dir, at, name))
			if at == "/" {
				break
			}
		}
	}
	return files
}

// memoryLimit reads a limit, which may be the word max: none.
func memoryLimit(file string) (int64, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return limit, err == nil && limit > 0
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

//go:build unix

package broker

import (
	"os"
	"path/filepath"
	"syscall"
)

// sameDisk says whether two paths, or what there is above them, lie in one
// file system. A raw device lies in none.
func sameDisk(a, b string) bool {
	da, ok := disk(a)
	if !ok {
		return false
	}
	db, ok := disk(b)
	return ok && da == db
}

func disk(path string) (uint64, bool) {
	if path == "" {
		return 0, false
	}
	info, err := os.Stat(path)
	if os.IsNotExist(err) && filepath.Dir(path) != path {
		return disk(filepath.Dir(path))
	}
	if err != nil || info.Mode()&os.ModeDevice != 0 {
		return 0, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return uint64(st.Dev), true //nolint:unconvert // its type differs between systems
}

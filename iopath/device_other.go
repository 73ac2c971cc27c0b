//go:build !linux

package iopath

import (
	"fmt"
	"runtime"
)

// OpenDevice needs Linux: O_DIRECT, RWF_DSYNC and fallocate have no equals
// elsewhere with the same meaning, and a durability that only looks the same
// would be worse than none.
func OpenDevice(o OpenOptions) (*Device, error) {
	return nil, fmt.Errorf("%s: direct I/O on %s: %w; run on Linux, or use mem: for a try",
		o.File, runtime.GOOS, ErrUnsupported)
}

// Write is never reached: OpenDevice refuses before.
func (d *Device) Write([]byte, int64, Durability) error { return ErrUnsupported }

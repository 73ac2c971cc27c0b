//go:build !linux

package uring

import (
	"fmt"
	"runtime"

	"github.com/tidelog/tide/iopath"
)

// Open needs Linux.
func Open(cfg Config) (iopath.Path, error) {
	return nil, fmt.Errorf("%s: io_uring on %s: %w; run on Linux, or use mem: for a try",
		cfg.File, runtime.GOOS, iopath.ErrUnsupported)
}

// Features has one, which is missing.
func Features() []Feature {
	_, err := Open(Config{OpenOptions: iopath.OpenOptions{File: "uring"}})
	return []Feature{{Name: "uring", Reason: err.Error()}}
}

// Package pwrite writes with pwritev2 and O_DIRECT, one blocking system call a
// write. It works on every Linux, under every seccomp filter, and at depth 1
// it is as short as a way to the device can be:
//
//	depth 1   the goroutine that reaps makes the call (inline, no hand-off)
//	depth N   N goroutines make calls; each blocked call holds a thread
//
// Go keeps a P with a blocked thread until its monitor takes it away, so a
// deep pool wants GOMAXPROCS at depth + 8; a broker stays at depth 1 or 2.
package pwrite

import "github.com/tidelog/tide/iopath"

// Config says what to open and how.
type Config struct {
	iopath.OpenOptions
}

// Open opens, or creates, a file or block device. See iopath.OpenDevice for
// what it refuses.
func Open(cfg Config) (iopath.Path, error) {
	p, err := iopath.OpenDevicePath(cfg.OpenOptions)
	if err != nil {
		return nil, err // not a nil *DevicePath inside of a Path
	}
	return p, nil
}

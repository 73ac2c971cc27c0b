package uring

import "github.com/tidelog/tide/iopath"

// Config says what to open and how.
type Config struct {
	iopath.OpenOptions
}

// Open opens a file or block device.
func Open(cfg Config) (iopath.Path, error) { panic("not written") }

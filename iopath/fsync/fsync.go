// Package fsync writes through the page cache and then calls fdatasync: the way
// of Kafka, etcd and most databases, and the base line of the others.
//
//	write ─▶ pwrite (a copy into the page cache) ─▶ fdatasync ─▶ device
//	                                                 │ flushes what else is dirty in the
//	                                                 ▼ file, and the device's cache
//	read ◀── page cache, or the device
//
// What it costs beside pwrite: one copy more, memory that the kernel chooses,
// and flushes that wait for each other on the inode. With durability=none a
// write is done when it is in the page cache: it survives kill -9, and not a
// power cut. A failed fdatasync latches like any write (package iopath): the
// kernel has dropped the pages by then, and a second call would succeed.
package fsync

import "github.com/tidelog/tide/iopath"

// Config says what to open and how.
type Config struct {
	// Buffered is implied; Durability is Fdatasync (default) or None.
	iopath.OpenOptions
}

// Open opens, or creates, a file or block device. See iopath.OpenDevice for
// what it refuses.
func Open(cfg Config) (iopath.Path, error) {
	cfg.Buffered = true
	p, err := iopath.OpenDevicePath(cfg.OpenOptions)
	if err != nil {
		return nil, err // not a nil *DevicePath inside of a Path
	}
	return p, nil
}

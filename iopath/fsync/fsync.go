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

import (
	"errors"

	"github.com/tidelog/tide/internal/arena"
	"github.com/tidelog/tide/iopath"
)

// Config says what to open and how.
type Config struct {
	// Buffered is implied; Durability is Fdatasync (default) or None.
	iopath.OpenOptions
}

// Open opens, or creates, a file or block device. See iopath.OpenDevice for
// what it refuses.
func Open(cfg Config) (iopath.Path, error) {
	o := cfg.OpenOptions
	o.Buffered = true
	o = o.WithDefaults()
	device, err := iopath.OpenDevice(o)
	if err != nil {
		return nil, err
	}
	memory, err := arena.Map(o.ArenaSize)
	if err != nil {
		return nil, errors.Join(err, device.Close())
	}
	// As in pwrite: at depth 1 the reaper makes the calls itself.
	workers := o.Depth
	if workers == 1 {
		workers = 0
	}
	ledger := iopath.NewLedger(device.Name(), device.Geometry(o), memory)
	pump := iopath.NewPump(ledger, workers, func(w *iopath.Write) error {
		return device.Write(w.Buf, w.Pos, o.Durability)
	})
	return &path{Pump: pump, device: device}, nil
}

// path is the open file.
type path struct {
	*iopath.Pump
	device *iopath.Device
}

// ReadAt is part of iopath.Path.
func (p *path) ReadAt(b []byte, pos int64) (int, error) {
	if err := p.CheckRead(b, pos); err != nil {
		return 0, err
	}
	return p.device.ReadAt(b, pos)
}

// Close is part of iopath.Path.
func (p *path) Close() error {
	if err := p.Drain(); err != nil {
		return err
	}
	return errors.Join(p.device.Close(), arena.Unmap(p.Arena()))
}

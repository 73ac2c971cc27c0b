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

import (
	"errors"

	"github.com/tidelog/tide/internal/arena"
	"github.com/tidelog/tide/iopath"
)

// Config says what to open and how.
type Config struct {
	iopath.OpenOptions
}

// Open opens, or creates, a file or block device. See iopath.OpenDevice for
// what it refuses.
func Open(cfg Config) (iopath.Path, error) {
	o := cfg.WithDefaults()
	device, err := iopath.OpenDevice(o)
	if err != nil {
		return nil, err
	}
	memory, err := arena.Map(o.ArenaSize)
	if err != nil {
		return nil, errors.Join(err, device.Close())
	}
	p := &path{device: device}
	workers := o.Depth
	if workers == 1 {
		workers = 0
	}
	ledger := iopath.NewLedger(device.Name(), device.Geometry(o), memory)
	p.Pump = iopath.NewPump(ledger, workers, func(w *iopath.Write) error {
		return device.Write(w.Buf, w.Pos, o.Durability)
	})
	return p, nil
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

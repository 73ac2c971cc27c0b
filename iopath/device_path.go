package iopath

import (
	"errors"

	"github.com/tidelog/tide/internal/arena"
)

// DevicePath is a Path over a file or block device whose writes are blocking
// system calls: a Pump in front of a Device. pwrite and fsync are this, opened
// in different ways.
type DevicePath struct {
	*Pump
	device *Device
}

// OpenDevicePath opens, or creates, a file or block device. At depth 1 the
// reaper makes the calls itself; deeper, as many goroutines do.
func OpenDevicePath(o OpenOptions) (*DevicePath, error) {
	o = o.WithDefaults()
	device, err := OpenDevice(o)
	if err != nil {
		return nil, err
	}
	memory, err := arena.Map(o.ArenaSize)
	if err != nil {
		return nil, errors.Join(err, device.Close())
	}
	workers := o.Depth
	if workers == 1 {
		workers = 0
	}
	pump := NewPump(NewLedger(device.Name(), device.Geometry(o), memory), workers, func(w *Write) error {
		return device.Write(w.Buf, w.Pos, o.Durability)
	})
	return &DevicePath{Pump: pump, device: device}, nil
}

// Device is the open file, which the path closes.
func (p *DevicePath) Device() *Device { return p.device }

// ReadAt is part of Path.
func (p *DevicePath) ReadAt(b []byte, pos int64) (int, error) {
	if err := p.CheckRead(b, pos); err != nil {
		return 0, err
	}
	return p.device.ReadAt(b, pos)
}

// Close is part of Path.
func (p *DevicePath) Close() error {
	if err := p.Drain(); err != nil {
		return err
	}
	return errors.Join(p.device.Close(), arena.Unmap(p.Arena()))
}

package uring

import (
	"errors"
	"fmt"

	"github.com/tidelog/tide/internal/arena"
	"github.com/tidelog/tide/iopath"
)

// Open opens, or creates, a file or block device. It wraps
// iopath.ErrUnsupported, with cause and remedy, where io_uring is missing; see
// iopath.OpenDevice for what else it refuses.
func Open(cfg Config) (iopath.Path, error) {
	o := cfg.WithDefaults()
	if cfg.Mode != "" && cfg.Mode != iopath.ModeLeader {
		return nil, fmt.Errorf("%s: ring mode %q is not built in yet, want %s", o.File, cfg.Mode, iopath.ModeLeader)
	}
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", o.File, err)
	}
	// The ring first: to fill a file and then find that there is no io_uring
	// would waste minutes.
	r, err := openRing(o.Depth)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.File, err)
	}
	device, err := iopath.OpenDevice(o)
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	memory, err := arena.Map(o.ArenaSize)
	if err != nil {
		return nil, errors.Join(err, r.close(), device.Close())
	}
	return newPath(o, r, device, memory), nil
}

// openRing makes a ring that a full depth and one wake-up fit into.
func openRing(depth int) (*ring, error) {
	r, err := newRing(uint32(depth) + 1)
	if err != nil {
		return nil, err
	}
	if err := r.probe(); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func newPath(o iopath.OpenOptions, r *ring, d *iopath.Device, memory []byte) *path {
	p := &path{
		Ledger: iopath.NewLedger(d.Name(), d.Geometry(o), memory),
		device: d, ring: r,
		slots: make([]slot, o.Depth), free: make([]uint64, o.Depth),
	}
	for i := range p.free {
		p.free[i] = uint64(i)
	}
	return p
}

// Package null is a Path that discards what is written and reads zeros: the
// wire layer's own cost, with neither a device nor a copy below it. A log on it
// is new at every start. It is for the null target alone, and everything
// measured with it says "nothing is stored at all".
package null

import (
	"fmt"

	"github.com/tidelog/tide/internal/arena"
	"github.com/tidelog/tide/iopath"
)

// Config says how large the log believes its device to be.
type Config struct {
	// Capacity in bytes, a multiple of iopath.BlockSize. Required.
	Capacity int64
	// ArenaSize in bytes. Default iopath.DefaultArena.
	ArenaSize int
	// Depth is how many writes may be in flight. Default 1.
	Depth int
}

// Open opens it. Nothing is allocated but the arena.
func Open(cfg Config) (iopath.Path, error) {
	o := iopath.OpenOptions{
		File: "null", Capacity: cfg.Capacity, ArenaSize: cfg.ArenaSize, Depth: cfg.Depth, Durability: iopath.None,
	}.WithDefaults()
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("null: %w", err)
	}
	if cfg.Capacity == 0 {
		return nil, fmt.Errorf("null: a capacity is wanted")
	}
	memory, err := arena.Map(o.ArenaSize)
	if err != nil {
		return nil, fmt.Errorf("null: %w", err)
	}
	g := iopath.Geometry{Block: iopath.BlockSize, Capacity: cfg.Capacity, Depth: o.Depth, Durability: o.Durability}
	done := func(*iopath.Write) error { return nil }
	return &path{iopath.NewPump(iopath.NewLedger("null", g, memory), 0, done)}, nil
}

type path struct{ *iopath.Pump }

// ReadAt is part of iopath.Path: all is zeros.
func (p *path) ReadAt(b []byte, pos int64) (int, error) {
	if err := p.CheckRead(b, pos); err != nil {
		return 0, err
	}
	clear(b)
	return len(b), nil
}

// Close is part of iopath.Path.
func (p *path) Close() error {
	if err := p.Drain(); err != nil {
		return err
	}
	return arena.Unmap(p.Arena())
}

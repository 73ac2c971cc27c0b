// Package mem is a Path over memory: the ceiling that no device reaches, and
// the device of tests. A completed write survives the Path, because the Device
// outlives it, and nothing else: its durability is none.
package mem

import (
	"fmt"
	"sync"

	"github.com/tidelog/tide/internal/align"
	"github.com/tidelog/tide/internal/arena"
	"github.com/tidelog/tide/iopath"
)

// defaultCapacity of a device that is made by Open, in bytes.
const defaultCapacity = 64 << 20

// Config says what to open.
type Config struct {
	// Device to open. Default: a new one of Capacity bytes.
	Device *Device
	// Capacity in bytes of the device, a multiple of iopath.BlockSize. Default
	// that of Device, or 64 MiB; one that differs from Device's is refused.
	Capacity int64
	// ArenaSize in bytes. Default iopath.DefaultArena.
	ArenaSize int
	// Depth is how many writes may be in flight. Default 1.
	Depth int
}

func (c Config) withDefaults() Config {
	if c.Capacity == 0 && c.Device == nil {
		c.Capacity = defaultCapacity
	}
	if c.Device == nil && align.Is(c.Capacity, iopath.BlockSize) && c.Capacity > 0 {
		c.Device = NewDevice(c.Capacity)
	}
	return c
}

// options has the checks that all paths share done on this one's.
func (c Config) options() (iopath.OpenOptions, error) {
	o := iopath.OpenOptions{
		File: "memory", Capacity: c.Capacity, ArenaSize: c.ArenaSize,
		Depth: c.Depth, Durability: iopath.None,
	}.WithDefaults()
	if err := o.Validate(); err != nil {
		return o, err
	}
	if c.Capacity != 0 && c.Capacity != int64(len(c.Device.data)) {
		return o, fmt.Errorf("capacity: %d bytes, and the device has %d", c.Capacity, len(c.Device.data))
	}
	return o, nil
}

// Device is memory that acts as a disk. It outlives the Paths opened on it, as
// a disk outlives a process, and lives on the Go heap, so that nothing has to
// be released.
type Device struct {
	mu   sync.RWMutex // a write excludes reads, as one block's I/O does on a disk
	data []byte       // guarded by mu, except through Bytes
}

// NewDevice returns a zeroed device of capacity bytes, a multiple of
// iopath.BlockSize and at least one block.
func NewDevice(capacity int64) *Device {
	return NewDeviceFrom(make([]byte, capacity))
}

// NewDeviceFrom returns a device that holds image; it takes the slice over.
func NewDeviceFrom(image []byte) *Device {
	if len(image) == 0 || !align.Is(len(image), iopath.BlockSize) {
		panic(fmt.Sprintf("mem: device of %d bytes: want a multiple of %d", len(image), iopath.BlockSize))
	}
	return &Device{data: image}
}

// Bytes is the device's own memory, for tests that look at it or damage it.
// Nothing may be in flight meanwhile.
func (d *Device) Bytes() []byte { return d.data }

func (d *Device) write(w *iopath.Write) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	copy(d.data[w.Pos:], w.Buf)
	return nil
}

// Open opens a device. Several Paths may be open on one.
func Open(cfg Config) (iopath.Path, error) {
	cfg = cfg.withDefaults()
	o, err := cfg.options()
	if err != nil {
		return nil, fmt.Errorf("mem: %w", err)
	}
	memory, err := arena.Map(o.ArenaSize)
	if err != nil {
		return nil, fmt.Errorf("mem: %w", err)
	}
	g := iopath.Geometry{
		Block: iopath.BlockSize, Capacity: int64(len(cfg.Device.data)),
		Depth: o.Depth, Durability: o.Durability,
	}
	// Inline at any depth: the copy is the write, and a worker could only add
	// a hand-off to it.
	pump := iopath.NewPump(iopath.NewLedger("mem", g, memory), 0, cfg.Device.write)
	return &path{Pump: pump, device: cfg.Device}, nil
}

// path is the open device.
type path struct {
	*iopath.Pump
	device *Device
}

// ReadAt is part of iopath.Path.
func (p *path) ReadAt(b []byte, pos int64) (int, error) {
	if err := p.CheckRead(b, pos); err != nil {
		return 0, err
	}
	p.device.mu.RLock()
	defer p.device.mu.RUnlock()
	return copy(b, p.device.data[pos:]), nil
}

// Close is part of iopath.Path. The Device stays.
func (p *path) Close() error {
	if err := p.Drain(); err != nil {
		return err
	}
	return arena.Unmap(p.Arena())
}

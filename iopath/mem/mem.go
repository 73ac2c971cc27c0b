// Package mem is a Path over memory: the ceiling that no device reaches, and
// the device of tests.
package mem

import "github.com/tidelog/tide/iopath"

// Config says what to open.
type Config struct {
	// Device to open. Default: a new one of Capacity bytes.
	Device *Device
	// Capacity in bytes of a new device. Default that of Device, else 64 MiB.
	Capacity int64
	// ArenaSize in bytes. Default iopath.DefaultArena.
	ArenaSize int
	// Depth is how many writes may be in flight. Default 1.
	Depth int
}

// Device is the memory; it outlives the Paths opened on it.
type Device struct{ data []byte }

// NewDevice returns a zeroed device of capacity bytes.
func NewDevice(capacity int64) *Device { panic("not written") }

// Bytes is the device's own memory.
func (d *Device) Bytes() []byte { return d.data }

// Open opens a device.
func Open(cfg Config) (iopath.Path, error) { panic("not written") }

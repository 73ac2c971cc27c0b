package iopath

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrInUse is wrapped when a file or device belongs to somebody else: another
// process has it open as a WAL, or it is mounted, or part of an array.
var ErrInUse = errors.New("in use")

// initSuffix names a file that is being filled with zeros. It gets its own
// name only when it is complete and on the device, so that a crash in between
// leaves no file that looks like a WAL and is slow, or not durable, or short.
const initSuffix = ".init"

// Device is a file or block device, open for direct I/O (or, on request, for
// buffered I/O) and locked against
// every other process (and every other Device of this one).
//
// There are three ways to get one, and none of them falls back to anything:
//
//	no file   PATH.init: lock, preallocate, zero, fsync ─▶ rename to PATH, fsync directory
//	file      lock; its size is the capacity
//	device    open exclusively; refused when mounted or holding a file system
type Device struct {
	file     *os.File // O_RDWR, and O_DIRECT unless Buffered
	name     string   // as the user gave it
	capacity int64    // bytes, a multiple of BlockSize
	blank    bool     // made by this open: zeros, all of it
}

// Capacity is the number of bytes that can be addressed.
func (d *Device) Capacity() int64 { return d.capacity }

// Name is the path as it was given.
func (d *Device) Name() string { return d.name }

// Fd is the descriptor, for system calls that os.File does not have. It is
// valid until Close; whoever uses it ends before.
func (d *Device) Fd() int { return int(d.file.Fd()) }

// Geometry is what a path over this device reports.
func (d *Device) Geometry(o OpenOptions) Geometry {
	return Geometry{Block: BlockSize, Capacity: d.capacity, Depth: o.Depth, Durability: o.Durability, Blank: d.blank}
}

// ReadAt fills p from pos. Alignment and bounds are the Ledger's business.
func (d *Device) ReadAt(p []byte, pos int64) (int, error) {
	n, err := d.file.ReadAt(p, pos)
	if errors.Is(err, io.EOF) {
		// Somebody cut the file under us; EOF would read as a clean end.
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return n, fmt.Errorf("%s: read of %d bytes at %d: %w", d.name, len(p), pos, err)
	}
	return n, nil
}

// Close releases the file and with it the lock.
func (d *Device) Close() error {
	if err := d.file.Close(); err != nil {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	return nil
}

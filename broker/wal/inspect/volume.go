package inspect

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tidelog/tide/internal/align"
	"github.com/tidelog/tide/internal/arena"
	"github.com/tidelog/tide/iopath"
)

// arenaSize is what a scan reads into, in bytes.
const arenaSize = 8 << 20

// errReadOnly is what a write to a volume gets.
var errReadOnly = errors.New("opened for reading only")

// volume is a Path that only reads, through the page cache: it locks nothing,
// so that it works beside the broker that owns the file. Direct writes drop the
// pages that they make stale.
type volume struct {
	file     io.ReaderAt
	name     string
	capacity int64 // bytes, a multiple of a block
	arena    []byte
}

// openFile opens a file or block device, read-only.
func openFile(name string) (*volume, io.Closer, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	size, err := f.Seek(0, io.SeekEnd) // Stat has no size for a block device
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: size: %w; want a file or a block device", name, err), f.Close())
	}
	v, err := newVolume(f, name, size)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return v, f, nil
}

func newVolume(r io.ReaderAt, name string, size int64) (*volume, error) {
	memory, err := arena.Map(arenaSize)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &volume{file: r, name: name, capacity: align.Down(size, iopath.BlockSize), arena: memory}, nil
}

// Geometry is part of iopath.Path.
func (v *volume) Geometry() iopath.Geometry {
	return iopath.Geometry{Block: iopath.BlockSize, Capacity: v.capacity, Depth: 1, Durability: iopath.None}
}

// Arena is part of iopath.Path.
func (v *volume) Arena() []byte { return v.arena }

// Submit is part of iopath.Path. It refuses.
func (v *volume) Submit([]*iopath.Write) error { return fmt.Errorf("%s: %w", v.name, errReadOnly) }

// Reap is part of iopath.Path. Nothing is ever in flight.
func (v *volume) Reap(int) (int, error) { return 0, fmt.Errorf("%s: %w", v.name, errReadOnly) }

// Wake is part of iopath.Path.
func (v *volume) Wake() {}

// ReadAt is part of iopath.Path.
func (v *volume) ReadAt(p []byte, pos int64) (int, error) {
	n, err := v.file.ReadAt(p, pos)
	if n == len(p) {
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, fmt.Errorf("%s: read of %d bytes at %d: %w", v.name, len(p), pos, err)
}

// Close is part of iopath.Path. The file is its opener's.
func (v *volume) Close() error { return arena.Unmap(v.arena) }

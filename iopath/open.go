package iopath

import (
	"fmt"
	"log/slog"

	"github.com/tidelog/tide/internal/align"
	"github.com/tidelog/tide/internal/units"
)

// MinCapacity is the smallest device or file that is opened, in bytes: two
// header slots and a ring of a few blocks need this much.
const MinCapacity = 64 << 10

// MaxDepth bounds the writes in flight that may be asked for; no device gains
// from more, and the completion queues are sized by it.
const MaxDepth = 4096

// DefaultArena is the size of the arena where none is asked for, in bytes.
const DefaultArena = 64 << 20

// OpenOptions is what the ways of writing to a file or block device have in
// common.
type OpenOptions struct {
	// File is the path of a regular file or of a block device.
	File string
	// Capacity in bytes, a multiple of BlockSize and at least MinCapacity. 0
	// takes what an existing file or a device has; a new file needs one. One
	// that differs from what is there is refused: a ring does not resize.
	Capacity int64
	// ArenaSize in bytes, a multiple of BlockSize. Default DefaultArena. It
	// bounds what can be buffered for writing.
	ArenaSize int
	// Depth is how many writes may be in flight. Default 1: the writer then
	// collects while the device works, which makes larger writes.
	Depth int
	// Durability is what a completed write means. Default Dsync, or Fdatasync
	// where Buffered.
	Durability Durability
	// Buffered writes and reads through the page cache instead of O_DIRECT. A
	// write is durable only after fdatasync then, so Dsync and Direct are
	// refused: each of them would be another way of writing under this name.
	Buffered bool
	// Create allows a file that does not exist to be made: preallocated,
	// filled with zeros, fsynced. Without it a missing file is an error.
	Create bool
	// Progress, when set, is told how much of a new file has been filled, in
	// bytes, on the opener's goroutine.
	Progress func(done, total int64)
	// Logger gets what a user should know of a machine that is not quite what
	// the durability wants. Default slog.Default().
	Logger *slog.Logger
}

// WithDefaults fills in what was left at zero.
func (o OpenOptions) WithDefaults() OpenOptions {
	if o.ArenaSize == 0 {
		o.ArenaSize = DefaultArena
	}
	if o.Depth == 0 {
		o.Depth = 1
	}
	if o.Durability == "" && o.Buffered {
		o.Durability = Fdatasync
	}
	if o.Durability == "" {
		o.Durability = Dsync
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// Validate reports every fault at once, each with its bound.
func (o OpenOptions) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if o.File == "" {
		fault("file: want the path of a file or block device")
	}
	if err := checkCapacity(o.Capacity); err != nil {
		fault("capacity: %w", err)
	}
	if o.ArenaSize < BlockSize || !align.Is(o.ArenaSize, BlockSize) {
		fault("arena: %d bytes, want a multiple of %d", o.ArenaSize, BlockSize)
	}
	if o.Depth < 1 || o.Depth > MaxDepth {
		fault("depth: %d, want 1 to %d", o.Depth, MaxDepth)
	}
	switch o.Durability {
	case Dsync, Direct, Fdatasync, None:
	default:
		fault("durability: %q, want dsync, direct, fdatasync or none", o.Durability)
	}
	if o.Buffered && (o.Durability == Dsync || o.Durability == Direct) {
		fault("durability: %q, and buffered writes have only fdatasync and none", o.Durability)
	}
	return join(faults)
}

// checkCapacity accepts 0, which means what the file or device has.
func checkCapacity(n int64) error {
	switch {
	case n == 0:
		return nil
	case n < MinCapacity:
		return fmt.Errorf("%s, want at least %s", units.Size(n), units.Size(MinCapacity))
	case !align.Is(n, BlockSize):
		return fmt.Errorf("%d bytes, want a multiple of %d, such as %d", n, BlockSize, align.Down(n, BlockSize))
	default:
		return nil
	}
}

// join puts all faults into one error of one line; errors.Join would put each
// on a line of its own, and a refused flag is to be one line on stderr.
func join(faults []error) error {
	if len(faults) == 0 {
		return nil
	}
	err := faults[0]
	for _, f := range faults[1:] {
		err = fmt.Errorf("%w; %w", err, f)
	}
	return err
}

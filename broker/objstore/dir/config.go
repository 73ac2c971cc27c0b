package dir

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/tidelog/tide/internal/align"
)

// Config of a Store. Zero values mean the defaults.
type Config struct {
	// Root is the directory; it is made, with its parents, when it is missing.
	// Required.
	Root string
	// WriteRate is how many bytes a second are written at most, all Puts
	// together; 0, the default, is no limit. A limit spreads an upload over
	// time so that it disturbs a WAL on the same disk less.
	WriteRate int64
	// PieceSize is how many bytes are written at a time; a multiple of 4 KiB
	// from 4 KiB to 16 MiB. Default 1 MiB.
	PieceSize int
	// Writers is how many Puts write at the same time, each with a buffer of
	// PieceSize; more wait. Default 2.
	Writers int
	// OpenFiles is how many files of objects that were read are kept open, two
	// descriptors each. Default 128.
	OpenFiles int
	// Readers is how many reads are in flight at most; each holds a thread. All
	// but one of these places are open to prefetching. Default 16: a disk alone
	// gives all it has with 4, but beside the flushes of a WAL each read of some
	// 100 KiB waits, and more of them should wait at the same time.
	Readers int
	// BufferedReads reads blocks through the page cache, not by O_DIRECT: for
	// comparison, or where a block is read again after the block cache lost it.
	BufferedReads bool
	// Beside says whether somebody waits for small writes to the same disk at
	// present; reads are made in small pieces then. It is called for each piece.
	// Default nil: nobody does.
	Beside func() bool
	// FS changes the directory tree. Default the machine's; tests put CrashFS
	// or a recorder here.
	FS FS
	// Logger is told once when O_DIRECT is not to be had. Default slog's.
	Logger *slog.Logger
}

const (
	defaultPieceSize = 1 << 20
	mostPieceSize    = 16 << 20
	defaultWriters   = 2
	defaultOpenFiles = 128
	defaultReaders   = 16
	directUnit       = 4096 // alignment of memory, positions and lengths for O_DIRECT
)

func (c Config) withDefaults() Config {
	if c.PieceSize == 0 {
		c.PieceSize = defaultPieceSize
	}
	if c.Writers == 0 {
		c.Writers = defaultWriters
	}
	if c.OpenFiles == 0 {
		c.OpenFiles = defaultOpenFiles
	}
	if c.Readers == 0 {
		c.Readers = defaultReaders
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("object directory: "+format, args...))
		}
	}
	fault(c.Root == "", "no root directory")
	fault(c.WriteRate < 0, "write rate of %d bytes/s, at least 0", c.WriteRate)
	fault(c.PieceSize < directUnit || c.PieceSize > mostPieceSize || !align.Is(c.PieceSize, directUnit),
		"piece size of %d bytes, a multiple of %d from %d to %d", c.PieceSize, directUnit, directUnit, mostPieceSize)
	fault(c.Writers < 1, "%d writers, at least 1", c.Writers)
	fault(c.OpenFiles < 1, "%d open files, at least 1", c.OpenFiles)
	fault(c.Readers < 1, "%d readers, at least 1", c.Readers)
	return errors.Join(faults...)
}

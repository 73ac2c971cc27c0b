package wal

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tidelog/tide/iopath"
)

// Config opens a log. Only Path is required.
type Config struct {
	// Path is the device or file. The log divides its arena, and is the only
	// one to submit and reap; the caller closes it, after Close of the log.
	Path iopath.Path
	// NodeID goes into the header, so that a volume mounted at the wrong broker
	// is noticed.
	NodeID int32
	// Clock gives the time in ns. It only seeds header versions, which grow
	// even when it goes back. Default: the wall clock.
	Clock func() int64

	// WindowInitial (1 MiB), WindowStep (4 MiB) and WindowLimit (512 MiB), in
	// bytes: how far behind the durable prefix a write may lie. A wide window
	// lets deep devices run; recovery has to look that far behind the log's
	// end. Rounded down to 4 KiB; never above half of the ring.
	WindowInitial, WindowStep, WindowLimit int64

	// BlockSoft (256 KiB) closes a block as soon as it holds that many bytes;
	// BlockHard (1 MiB) is what it may hold at most, unless one record alone is
	// larger. Larger blocks mean fewer, longer writes.
	BlockSoft, BlockHard int

	// Depth is how many blocks may be in flight: 0 (default) starts at one and
	// follows the load up to the path's depth, N > 0 is fixed.
	Depth int

	// Linger is how long a block stays open after its first record, unless it is
	// full before. 0 (default) is adaptive: the next block collects while a
	// write is in flight and, above about 5,000 records a second, up to
	// LingerLimit (300 µs) more, as long as that brings records. A fixed one
	// trades latency for fewer, longer writes; it is late by some 10 µs,
	// elsewhere than on Linux by up to 1 ms.
	Linger, LingerLimit time.Duration

	// Tick, when not 0, submits blocks only at its multiples, whether full or
	// not, as AutoMQ's log does, which polls: no appender ever writes itself.
	// For comparison; Linger must be 0.
	Tick time.Duration

	// NoPace writes whenever Depth allows. By default a log whose device
	// accounts for a known number of I/Os a second (iopath.Geometry) spaces its
	// blocks by it, so that records gather in the log and not in the device's
	// queue; then Depth 0 starts at the path's depth. Linger and Tick have no
	// pace.
	NoPace bool

	// WriteTimeout (30 s): a write pending longer latches the log.
	WriteTimeout time.Duration

	// OnDurable runs when the durable prefix has grown: every record with an
	// offset below end is durable. Calls come in increasing order, never two at
	// once, with no lock of the log held, inside of Commit or on a goroutine of
	// the log, never inside of Reserve, Fill or Trim; they must not block. err != nil comes
	// once and is the last call: the log is latched, and nothing at or beyond
	// end will become durable.
	OnDurable func(end Offset, err error)

	// OnSpace runs after a Reserve has returned ErrFull, when trying again may
	// give another answer. Not concurrently with OnDurable; must not block.
	OnSpace func()

	// Logger gets what an operator should know. Default: slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = func() int64 { return time.Now().UnixNano() }
	}
	c.WindowInitial = defaultTo(c.WindowInitial, 1<<20)
	c.WindowStep = defaultTo(c.WindowStep, 4<<20)
	c.WindowLimit = defaultTo(c.WindowLimit, 512<<20)
	c.BlockSoft = defaultTo(c.BlockSoft, 256<<10)
	c.BlockHard = defaultTo(c.BlockHard, max(1<<20, c.BlockSoft))
	c.LingerLimit = defaultTo(c.LingerLimit, 300*time.Microsecond)
	c.WriteTimeout = defaultTo(c.WriteTimeout, 30*time.Second)
	if c.OnDurable == nil {
		c.OnDurable = func(Offset, error) {}
	}
	if c.OnSpace == nil {
		c.OnSpace = func() {}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func defaultTo[T int | int64 | time.Duration](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}

// Validate reports every fault at once. Defaults count as filled in.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("wal config: "+format, args...))
		}
	}
	check(c.Path != nil, "Path is missing")
	check(c.WindowInitial >= iopath.BlockSize, "WindowInitial %d is below one block (%d)", c.WindowInitial, iopath.BlockSize)
	check(c.WindowStep >= iopath.BlockSize, "WindowStep %d is below one block (%d)", c.WindowStep, iopath.BlockSize)
	check(c.WindowLimit >= c.WindowInitial, "WindowLimit %d is below WindowInitial %d", c.WindowLimit, c.WindowInitial)
	check(c.WindowLimit <= 1<<40, "WindowLimit %d is above 1 TiB", c.WindowLimit)
	check(c.BlockSoft >= 1, "BlockSoft %d is below 1", c.BlockSoft)
	check(c.BlockHard >= iopath.BlockSize, "BlockHard %d is below one block (%d)", c.BlockHard, iopath.BlockSize)
	check(c.BlockSoft <= c.BlockHard, "BlockSoft %d is above BlockHard %d", c.BlockSoft, c.BlockHard)
	check(c.Depth >= 0, "Depth %d is negative", c.Depth)
	check(c.Linger >= 0 && c.Linger <= time.Second, "Linger %v is not within 0 and 1s", c.Linger)
	check(c.LingerLimit >= 0 && c.LingerLimit <= time.Second, "LingerLimit %v is not within 0 and 1s", c.LingerLimit)
	check(c.Tick >= 0 && c.Tick <= time.Second, "Tick %v is not within 0 and 1s", c.Tick)
	check(c.Tick == 0 || c.Linger == 0, "Tick %v and Linger %v exclude each other", c.Tick, c.Linger)
	check(c.WriteTimeout > 0, "WriteTimeout %v is not positive", c.WriteTimeout)
	return errors.Join(faults...)
}

package walbench

import (
	"errors"
	"fmt"
	"time"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/wal"
	"github.com/tidelog/tide/iopath"
)

// NodeID is in the header of a log that a benchmark wrote, so that no broker
// takes it for its own, and no benchmark overwrites a broker's.
const NodeID = -1

// Config is one run.
type Config struct {
	// WAL is the log to be opened: its Path, window, blocks, depth and linger.
	// NodeID and the callbacks are this package's.
	WAL wal.Config
	// Name is printed in the result: the WAL URL.
	Name string

	// Record (1 KiB) is the payload of a record in bytes; with the header of a
	// stream record batch and that of the log it takes 57 more.
	Record int
	// Appenders (64) append at the same time. Closed loop: each waits until its
	// record is durable. Open loop: they share the schedule and wait for nothing.
	Appenders int
	// Rate in records a second, all appenders together; 0 is the closed loop.
	Rate int64

	// Warmup (a tenth of Duration, at least 1 s; negative: none) runs before the
	// Duration (10 s) that is measured.
	Warmup, Duration time.Duration
	// TrimEvery is after how many bytes of log everything durable is trimmed,
	// so that the ring laps: each costs a header write. Default 64 MiB, as a
	// broker's uploads do, or an eighth of a smaller ring.
	TrimEvery int64
	// Overwrite takes a file or device that holds something else than a log of a
	// benchmark, which is lost.
	Overwrite bool
	// Procs is GOMAXPROCS for the run; 0 leaves it alone.
	Procs int

	// Progress, when set, is told of each step and how long it will take.
	Progress func(step string, length time.Duration)
}

// maxQueue bounds the records of an open loop that wait for the log, and those
// that wait for an appender.
const maxQueue = 1 << 16

func (c Config) withDefaults() Config {
	if c.Record == 0 {
		c.Record = 1 << 10
	}
	if c.Appenders == 0 {
		c.Appenders = 64
	}
	if c.Duration == 0 {
		c.Duration = 10 * time.Second
	}
	if c.Warmup == 0 {
		c.Warmup = max(c.Duration/10, time.Second)
	}
	c.Warmup = max(c.Warmup, 0)
	if c.TrimEvery == 0 && c.WAL.Path != nil {
		c.TrimEvery = min(64<<20, c.WAL.Path.Geometry().Capacity/8)
	}
	if c.Progress == nil {
		c.Progress = func(string, time.Duration) {}
	}
	return c
}

// Validate reports every fault at once. Defaults count as filled in.
func (c Config) Validate() error {
	c = c.withDefaults()
	faults := []error{c.WAL.Validate()}
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(c.Record >= 1, "record: %d bytes, want at least 1", c.Record)
	check(c.Appenders >= 1 && c.Appenders <= maxQueue, "appenders: %d, want 1 to %d", c.Appenders, maxQueue)
	check(c.Rate >= 0, "rate: %d records a second, want 0 (closed loop) or more", c.Rate)
	check(c.Duration >= time.Millisecond, "duration: %v, want at least 1ms", c.Duration)
	check(c.TrimEvery >= iopath.BlockSize || c.WAL.Path == nil, "trim: every %d bytes, want at least %d", c.TrimEvery, iopath.BlockSize)
	check(c.Procs >= 0, "procs: %d, want 0 or more", c.Procs)
	return errors.Join(faults...)
}

// body is what a record takes of the log, without the log's own header.
func (c Config) body() int { return object.BatchHeaderSize + c.Record }

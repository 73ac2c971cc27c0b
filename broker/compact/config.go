package compact

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
)

// Streams is what a Compactor reads and changes of the metadata.
type Streams interface {
	// Propose returns when the local replica has applied the command.
	Propose(ctx context.Context, cmd meta.Command) (meta.Result, error)
	Streams() []meta.Stream
	Object(id int64) (meta.Object, bool)
}

// Config is what a Compactor works with and how. Zero values mean the defaults.
type Config struct {
	Store     objstore.Store
	Meta      Streams
	NodeID    int32
	NodeEpoch int64
	Namespace string // of object keys; default "DEFAULT"

	// Every is the pause between rounds. Default 1 min.
	Every time.Duration
	// Rate bounds the bytes read, and those written, in a second. 0: no limit.
	Rate int64
	// Target is the least size of an object that is left alone for good, in
	// bytes of record batches. Default 256 MiB. The memory of a merge is at
	// most twice as much. From it follow StreamMin, SetBytes and DoneShare.
	Target int64
	// OldAfter is the age at which small objects are merged although together
	// they do not reach Target, in time for the promise that after an hour a
	// stream has one small object at most. Default 45 min.
	OldAfter time.Duration
	// PreparedFor is how long a prepared id stays valid. It must be the
	// uploader's: an object's age is told from it. Default 30 min.
	PreparedFor time.Duration

	// GroupBytes is how far one index entry may reach over several DataBlocks,
	// in bytes. Default 1 MiB.
	GroupBytes int
	// Window is how much of a source is read at a time, in bytes, where
	// streams have small shares of it. Default 512 KiB; there are up to 128.
	Window int

	// Verify checks a batch before it is written again: objects have no
	// checksum of their own, and an error must not be copied on. nil: none.
	Verify func(object.RecordBatch) error
	Clock  func() time.Time
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	def(&c.Namespace, "DEFAULT")
	def(&c.Every, time.Minute)
	def(&c.Target, 256<<20)
	def(&c.OldAfter, 45*time.Minute)
	def(&c.PreparedFor, 30*time.Minute)
	def(&c.GroupBytes, 1<<20)
	def(&c.Window, 512<<10)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func def[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("compaction: "+format, args...))
		}
	}
	fault(c.Store == nil || c.Meta == nil, "needs a store and metadata")
	fault(c.Every < 0 || c.OldAfter < 0 || c.PreparedFor < 0, "every %v, old after %v, prepared for %v: none may be negative", c.Every, c.OldAfter, c.PreparedFor)
	fault(c.Rate < 0, "rate of %d bytes/s, at least 0", c.Rate)
	fault(c.Target < 1<<10 || c.Target > 1<<30, "target of %d bytes, from 1 KiB to 1 GiB", c.Target)
	fault(c.GroupBytes < 0 || c.GroupBytes > 1<<20, "groups of %d bytes, at most 1 MiB", c.GroupBytes)
	fault(c.Window < 0 || c.Window > 16<<20, "window of %d bytes, at most 16 MiB", c.Window)
	return errors.Join(faults...)
}

// streamMin is how much of a stream must come together for an object of its
// own. Less would make more small objects than it takes away.
func (c Config) streamMin() int64 { return c.Target / 4 }

// setBytes of small stream-set objects are merged without waiting for their age.
func (c Config) setBytes() int64 { return 16 * c.Target }

// doneShare is the mean share of a stream in a stream-set object from which it
// reads well: a few GETs of 4 MiB.
func (c Config) doneShare() int64 { return c.Target / 16 }

// rangeBytes is how far ranges are merged: offsets are sought by time in one
// range, and retention goes by whole ones.
func (c Config) rangeBytes() int64 { return c.Target / 4 }

const (
	overlap    = 4          // shares that a stream must have in a tier for its merge to pay
	maxSources = 128        // objects in one job; each costs its index in memory
	windows    = maxSources // sources that are read through windows at the same time
	readBytes  = 4 << 20
)

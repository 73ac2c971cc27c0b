package iopath

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidelog/tide/internal/units"
)

// Schemes of a WAL URL that are built in.
const (
	SchemeUring  = "uring"  // io_uring, O_DIRECT
	SchemePwrite = "pwrite" // pwritev2, O_DIRECT
	SchemeFsync  = "fsync"  // buffered pwrite, then fdatasync
	SchemeMem    = "mem"    // memory, no device
	SchemeNull   = "null"   // nothing at all: for the null target alone, and in no list of choices
)

// Modes of a ring.
const (
	// ModeLeader: any goroutine may submit and reap, under a mutex.
	ModeLeader = "leader"
	// ModeOwner: one locked thread submits and reaps, the others hand over.
	ModeOwner = "owner"
)

// Implementations of a ring.
const (
	RingOwn      = "own"      // iopath/uring's, on plain system calls
	RingGiouring = "giouring" // the library's, behind the build tag of its name
)

// ModelNames are the volumes that iopath/model knows.
var ModelNames = []string{"gp3-16000", "gp3-3000", "io2", "st1"}

// Spec is a WAL URL taken apart. A number left at zero was not given, and
// whoever opens the path or the WAL chooses its default.
type Spec struct {
	Scheme     string     // one of the Scheme constants
	File       string     // path of a file or block device; empty for mem
	Capacity   int64      // bytes; 0: what is there
	Durability Durability // never empty: Dsync; Fdatasync for fsync, None for mem
	Depth      int        // writes in flight; 0: auto

	// Mode and Ring are ModeLeader and RingOwn for uring where nothing else is
	// asked for, and empty for other schemes.
	Mode, Ring string
	Fixed      bool // registered buffers and files; uring only
	SQPoll     bool // a kernel thread takes submissions; uring only

	// Model is the volume that is simulated around the path, empty for none,
	// and Seed is of its service times; 0: the default.
	Model string
	Seed  uint64
	// IOPS and Rate are limits of writes, in I/Os (256 KiB each at most) and
	// bytes a second; 0: none. With a model they lower the model's.
	IOPS, Rate int64

	// NoPace has a WAL write whenever its depth allows, though the IOPS of the
	// device are known.
	NoPace bool

	// BlockSoft is the size, in bytes, from which a WAL block is sealed, and
	// BlockHard the size that it never exceeds.
	BlockSoft, BlockHard int64
	// Linger is how long a block stays open after its first record; 0 is the
	// log's own, adaptive way. Tick, when not 0, writes blocks only at its
	// multiples, as AutoMQ's log does.
	Linger, Tick time.Duration
	// WindowInitial, WindowStep and WindowLimit are the sliding window's size
	// at first, what it grows by, and where growth ends, in bytes. One value
	// in the URL is a fixed window: Limit = Initial, Step = 0.
	WindowInitial, WindowStep, WindowLimit int64
}

// Simulated says whether results made with this path are a model's. They must
// say so; the open path's Geometry says of which.
func (s Spec) Simulated() bool { return s.Model != "" }

// OpenOptions returns the part of the Spec that opening a file needs.
func (s Spec) OpenOptions() OpenOptions {
	return OpenOptions{
		File: s.File, Capacity: s.Capacity, Depth: s.Depth, Durability: s.Durability,
		Buffered: s.Scheme == SchemeFsync,
	}
}

// String prints the URL with only the keys that were given, in a fixed order,
// so that ParseURL gives the Spec back. It names the path in results.
func (s Spec) String() string {
	var q query
	q.sizes("capacity", s.Capacity)
	q.text("durability", string(s.Durability))
	q.number("depth", int64(s.Depth))
	if s.BlockSoft != 0 {
		q.sizes("block", s.BlockSoft, s.BlockHard)
	}
	if s.WindowStep != 0 {
		q.sizes("window", s.WindowInitial, s.WindowStep, s.WindowLimit)
	} else {
		q.sizes("window", s.WindowInitial)
	}
	q.text("mode", s.Mode)
	if s.Ring != RingOwn {
		q.text("ring", s.Ring)
	}
	q.flag("fixed", s.Fixed)
	q.flag("sqpoll", s.SQPoll)
	q.text("model", s.Model)
	q.number("seed", int64(s.Seed))
	q.number("iops", s.IOPS)
	if s.NoPace {
		q.text("pace", "0")
	}
	q.time("linger", s.Linger)
	q.time("tick", s.Tick)
	if s.Rate != 0 {
		q.text("rate", units.Size(s.Rate)+"/s")
	}
	return fmt.Sprintf("%s:%s?%s", s.Scheme, s.File, strings.Join(q, "&"))
}

// query is the keys of a URL; its methods leave out what is zero.
type query []string

func (q *query) text(key, value string) {
	if value != "" {
		// Neither a comma nor a slash needs an escape in a query, and both read
		// better without.
		value = strings.NewReplacer("%2C", ",", "%2F", "/").Replace(url.QueryEscape(value))
		*q = append(*q, key+"="+value)
	}
}

func (q *query) time(key string, d time.Duration) {
	if d != 0 {
		q.text(key, strings.ReplaceAll(d.String(), "µ", "u"))
	}
}

func (q *query) number(key string, n int64) {
	if n != 0 {
		q.text(key, strconv.FormatInt(n, 10))
	}
}

func (q *query) flag(key string, on bool) {
	if on {
		q.text(key, "1")
	}
}

func (q *query) sizes(key string, ns ...int64) {
	var texts []string
	for _, n := range ns {
		texts = append(texts, units.Size(n))
	}
	if ns[0] != 0 {
		q.text(key, strings.Join(texts, ","))
	}
}

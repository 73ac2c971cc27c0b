package iopath

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/tidelog/tide/internal/units"
)

// Schemes of a WAL URL that are built in.
const (
	SchemeUring  = "uring"  // io_uring, O_DIRECT
	SchemePwrite = "pwrite" // pwritev2, O_DIRECT
	SchemeFsync  = "fsync"  // buffered pwrite, then fdatasync
	SchemeMem    = "mem"    // memory, no device
)

// Modes of a ring.
const (
	// ModeLeader: any goroutine may submit and reap, under a mutex.
	ModeLeader = "leader"
)

// Spec is a WAL URL taken apart. A number left at zero was not given, and
// whoever opens the path or the WAL chooses its default.
type Spec struct {
	Scheme     string     // one of the Scheme constants
	File       string     // path of a file or block device; empty for mem
	Capacity   int64      // bytes; 0: what is there
	Durability Durability // never empty: Dsync; Fdatasync for fsync, None for mem
	Depth      int        // writes in flight; 0: auto
	Mode       string     // of the ring: ModeLeader for uring, else empty

	// BlockSoft is the size, in bytes, from which a WAL block is sealed, and
	// BlockHard the size that it never exceeds.
	BlockSoft, BlockHard int64
	// WindowInitial, WindowStep and WindowLimit are the sliding window's size
	// at first, what it grows by, and where growth ends, in bytes. One value
	// in the URL is a fixed window: Limit = Initial, Step = 0.
	WindowInitial, WindowStep, WindowLimit int64
}

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
	var query []string
	put := func(key, value string) { query = append(query, key+"="+url.QueryEscape(value)) }
	sizes := func(key string, ns ...int64) {
		var texts []string
		for _, n := range ns {
			texts = append(texts, units.Size(n))
		}
		// A comma needs no escape in a query, and reads better without.
		query = append(query, key+"="+strings.Join(texts, ","))
	}
	if s.Capacity != 0 {
		sizes("capacity", s.Capacity)
	}
	put("durability", string(s.Durability))
	if s.Depth != 0 {
		put("depth", strconv.Itoa(s.Depth))
	}
	if s.BlockSoft != 0 {
		sizes("block", s.BlockSoft, s.BlockHard)
	}
	switch {
	case s.WindowInitial != 0 && s.WindowStep == 0:
		sizes("window", s.WindowInitial)
	case s.WindowInitial != 0:
		sizes("window", s.WindowInitial, s.WindowStep, s.WindowLimit)
	}
	if s.Mode != "" {
		put("mode", s.Mode)
	}
	return fmt.Sprintf("%s:%s?%s", s.Scheme, s.File, strings.Join(query, "&"))
}

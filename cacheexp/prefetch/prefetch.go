// Package prefetch holds prefetchers: given which block a reader has just
// asked for, which blocks should be fetched before it asks. They do no I/O and
// own no data; the same code runs in the broker's block cache and in the
// simulator.
//
//	reader ─ block k ─▶ cache ─ Access ─▶ Prefetcher
//	                      ▲                   │ Ahead.Next(1), Next(2), …
//	                      └── k+1 … k+n ──────┘
//
// Detection is per stream and reader: several readers that interleave in one
// stream defeat any history that is kept for all of them together.
//
// One file per prefetcher: it registers itself, and nothing else names it.
package prefetch

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidelog/tide/internal/units"
)

// Block names a block that can be fetched: a byte range of an object.
type Block struct {
	Object   int64
	Position int64 // bytes from the object's start
	Size     int32 // bytes
}

// Reader is who reads: one consumer's walk through one stream.
type Reader struct {
	Stream int64
	ID     uint64 // 0 where readers cannot be told apart
}

// Access is one request of a reader for a block.
type Access struct {
	Reader Reader
	Block  Block
	// Start and End (exclusive) are the logical offsets that the block covers.
	// Two accesses are consecutive when the second starts where the first
	// ended, in whichever objects the blocks lie. Where a trace has no
	// offsets both are 0, and nothing follows on anything.
	Start, End int64
	Hit        bool  // the block was in the cache or on its way
	Late       bool  // it was on its way: the reader has to wait for it
	Now        int64 // ns, never going back
	// GET is what 99 of 100 of the latest GETs took at most, in ns (see Tail); 0:
	// none has ended yet.
	GET int64
	// Room is how many bytes all readers together may have ahead of them; 0: no
	// bound. What is proposed beyond it may be dropped.
	Room int64
}

// Ahead is what is known to follow the block of an Access in its stream: the
// driver's view of the indexes, or of the trace.
type Ahead interface {
	// Next returns the i-th block after it, counted from 1; false where what
	// is known ends. Calls ask for 1, 2, 3, … in order.
	Next(i int) (Block, bool)
	// Around appends the blocks of the Access's object that begin at a position
	// from first to before end, in order, whichever stream they belong to. It
	// tells what is known without asking the store.
	Around(first, end int64, dst []Block) []Block
}

// Prefetcher decides what to fetch. Methods are called by one goroutine at a
// time.
type Prefetcher interface {
	// Access is told of every request, hits too, and appends to dst the blocks
	// that should be fetched, the most urgent first, in the order in which Next
	// named them. They may be in the cache already: the driver skips those, and
	// drops those it has no room for.
	Access(a Access, ahead Ahead, dst []Block) []Block
}

// joiner is a Prefetcher that reads more than was asked for, rather than
// earlier: what it proposes at a miss belongs into the GET of the missed block,
// as far as it is adjacent to it, and the reader waits for all of it.
type joiner interface{ joins() }

// Joins says whether p's proposals belong into the GET of the miss.
func Joins(p Prefetcher) bool {
	_, ok := p.(joiner)
	return ok
}

// New makes the prefetcher that spec names: NAME, or NAME:ARG where the argument
// is the prefetcher's own: fixed:8 is eight blocks, chunk:4MiB a size. Errors
// list the known names.
func New(spec string) (Prefetcher, error) {
	name, arg, hasArg := strings.Cut(spec, ":")
	f, ok := registry[name]
	if !ok {
		return nil, fmt.Errorf("unknown prefetcher %q (known: %s)", name, strings.Join(Names(), ", "))
	}
	if hasArg && arg == "" {
		return nil, fmt.Errorf("prefetcher %q: nothing behind the colon", spec)
	}
	p, err := f(arg)
	if err != nil {
		return nil, fmt.Errorf("prefetcher %q: %w", spec, err)
	}
	return p, nil
}

// plain is for prefetchers that take no argument.
func plain(arg string) error {
	if arg != "" {
		return errors.New("it takes no argument")
	}
	return nil
}

// sizeOf reads a size within bounds; without an argument it is the default.
func sizeOf(arg string, byDefault, least, most int64) (int64, error) {
	if arg == "" {
		return byDefault, nil
	}
	n, err := units.ParseSize(arg)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("want a size from %s to %s, found %q", units.Size(least), units.Size(most), arg)
	}
	return n, nil
}

// Names lists the registered prefetchers in alphabetical order.
func Names() []string {
	names := make([]string, 0, len(registry))
	for n := range registry {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// registry is filled by the init functions of the prefetchers' files and only
// read afterwards. The argument is empty where the spec gave none.
var registry = map[string]func(arg string) (Prefetcher, error){}

func register(name string, f func(arg string) (Prefetcher, error)) {
	if _, dup := registry[name]; dup {
		panic("prefetcher registered twice: " + name)
	}
	registry[name] = f
}

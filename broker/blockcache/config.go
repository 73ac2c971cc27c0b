package blockcache

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/prefetch"
)

// Config of a Cache. Zero values mean the defaults.
type Config struct {
	// Store is where the objects are. Required.
	Store objstore.Store
	// Size bounds the blocks that are resident or being loaded, in bytes of
	// slots. Default 64 MiB, at least 64 KiB. Should hold some tens of blocks.
	Size int64
	// PinnedSize bounds what evicted blocks may take on top of Size while
	// readers still hold them, in bytes. Default a quarter of Size. Too small,
	// and slow consumers make others wait.
	PinnedSize int64
	// LendSize bounds the blocks that are lent to slow consumers (Block.Lend), in
	// bytes of slots. Default a quarter of Size.
	LendSize int64
	// AheadSize bounds what is loaded ahead and not yet read, in bytes of slots,
	// what waits to be loaded included. Default 256 MiB, at most half of Size:
	// more would push out what others are about to read.
	AheadSize int64
	// BehindSize is how much is kept at first of the blocks that were loaded
	// ahead and read to their end, in bytes of slots; see behind.go. Default a
	// sixteenth of Size.
	BehindSize int64
	// IndexSize bounds the decoded indexes, in bytes. Default 16 MiB.
	IndexSize int64
	// Policy makes the eviction policy for a capacity in bytes. Default LRU.
	Policy func(capacity int64) policy.Policy
	// Prefetch decides what is fetched ahead. Default none.
	Prefetch prefetch.Prefetcher
	// Recorder is told of every access. Default nobody, which costs nothing.
	Recorder Recorder
	// MaxLoads is how many GETs for readers are in flight at most; more wait
	// for their turn. Default 32.
	MaxLoads int
	// MaxPrefetch is how many GETs ahead of readers are in flight at most;
	// more wait for their turn. Default 32: a store whose GETs take 130 ms for
	// 8 MiB then gives 1.9 GiB/s.
	MaxPrefetch int
	// MaxGet is how many bytes of adjacent blocks are got ahead with one GET at
	// most, in bytes. A larger block is one GET all the same. Default a sixteenth
	// of AheadSize, from 4 to 8 MiB: long GETs cost fewer requests where streams
	// lie in shares of a few MiB, but a small cache has room for too few of them.
	MaxGet int
	// Verify checks a batch of a block that was just loaded: objects carry no
	// checksum of their own. Batches before the first bad one are served.
	// Called by several goroutines at a time, Checkers at most. nil: no check.
	Verify func(b object.RecordBatch) error
	// Checkers is how many blocks are checked at the same time, so that a reader
	// that catches up leaves processors to producers. Default half of the
	// machine's, at least 1.
	Checkers int
	// LoadTimeout ends a load that the store does not end by itself. Default
	// 30 s.
	LoadTimeout time.Duration
	// Clock gives the time in ns to policy and prefetcher. Default the
	// machine's.
	Clock func() int64
}

const (
	defaultSize        = 64 << 20
	defaultIndexSize   = 16 << 20
	defaultMaxLoads    = 32
	defaultMaxPrefetch = 32
	leastMaxGet        = 4 << 20
	mostMaxGet         = 8 << 20
	defaultAheadSize   = 256 << 20
	defaultLoadTimeout = 30 * time.Second
	leastSize          = 64 << 10
)

func (c Config) withDefaults() Config {
	if c.Size == 0 {
		c.Size = defaultSize
	}
	if c.PinnedSize == 0 {
		c.PinnedSize = c.Size / 4
	}
	if c.LendSize == 0 {
		c.LendSize = c.Size / 4
	}
	if c.AheadSize == 0 {
		c.AheadSize = min(defaultAheadSize, c.Size/2)
	}
	if c.BehindSize == 0 {
		c.BehindSize = c.Size / 16
	}
	if c.IndexSize == 0 {
		c.IndexSize = defaultIndexSize
	}
	if c.Policy == nil {
		c.Policy = newLRU
	}
	if c.Prefetch == nil {
		c.Prefetch = noPrefetch{}
	}
	if c.MaxLoads == 0 {
		c.MaxLoads = defaultMaxLoads
	}
	if c.MaxPrefetch == 0 {
		c.MaxPrefetch = defaultMaxPrefetch
	}
	if c.MaxGet == 0 {
		c.MaxGet = int(min(max(c.AheadSize/16, leastMaxGet), mostMaxGet))
	}
	if c.Checkers == 0 {
		c.Checkers = max(runtime.NumCPU()/2, 1)
	}
	if c.LoadTimeout == 0 {
		c.LoadTimeout = defaultLoadTimeout
	}
	if c.Clock == nil {
		c.Clock = func() int64 { return time.Now().UnixNano() }
	}
	return c
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("block cache: "+format, args...))
		}
	}
	fault(c.Store == nil, "no store")
	fault(c.Size < leastSize, "size of %d bytes, at least %d", c.Size, leastSize)
	fault(c.PinnedSize < 0, "pinned size of %d bytes, at least 0", c.PinnedSize)
	fault(c.LendSize < 0 || c.LendSize > c.Size, "lent size of %d bytes, from 0 to the size of %d", c.LendSize, c.Size)
	fault(c.AheadSize < 0, "size ahead of %d bytes, at least 0", c.AheadSize)
	fault(c.BehindSize < 0, "size behind of %d bytes, at least 0", c.BehindSize)
	fault(c.IndexSize < 0, "index size of %d bytes, at least 0", c.IndexSize)
	fault(c.MaxLoads < 1, "%d loads at most, at least 1", c.MaxLoads)
	fault(c.MaxPrefetch < 1, "%d prefetches at most, at least 1", c.MaxPrefetch)
	fault(c.MaxGet < 1, "GETs of %d bytes at most, at least 1", c.MaxGet)
	fault(c.Checkers < 1, "%d checkers, at least 1", c.Checkers)
	fault(c.LoadTimeout < 0, "load timeout of %v, more than 0", c.LoadTimeout)
	return errors.Join(faults...)
}

func newLRU(capacity int64) policy.Policy {
	p, err := policy.New("lru", capacity)
	if err != nil {
		panic(err) // it is compiled in
	}
	return p
}

// noPrefetch is what a cache without a prefetcher has.
type noPrefetch struct{}

func (noPrefetch) Access(_ prefetch.Access, _ prefetch.Ahead, dst []prefetch.Block) []prefetch.Block {
	return dst
}

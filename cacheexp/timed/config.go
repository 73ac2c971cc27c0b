package timed

import (
	"errors"
	"fmt"

	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/internal/storetime"
)

// Config of a replay. Zero values mean the defaults, which are those of
// broker/blockcache.
type Config struct {
	// Policy and Prefetch by name, as `tide broker` takes them. Required.
	Policy, Prefetch string
	// Capacity of the cache, in bytes, or in blocks with Objects. Required.
	Capacity int64
	// Objects counts every block as 1, whatever its size.
	Objects bool
	// Slots charges what the recording says that a block takes of memory, rather
	// than its length. Blocks of which it says nothing are charged their length.
	Slots bool
	// Service is how long GETs take. A zero one takes no time.
	Service storetime.Service
	// Seed of what is random in it.
	Seed uint64
	// MaxLoads and MaxPrefetch are GETs in flight for readers, and ahead of them.
	// Default 32 each.
	MaxLoads, MaxPrefetch int
	// MaxGet is how many bytes of adjacent blocks one GET brings at most. Default a
	// sixteenth of Ahead, from 4 to 8 MiB.
	MaxGet int
	// Ahead bounds what is loaded ahead and not read yet, what waits to be loaded
	// included, in bytes. Default 256 MiB, at most half of the capacity (with
	// Objects: 256 MiB).
	Ahead int64
	// MaxHeld is how many accesses of readers that fell behind are held. Default
	// 65536.
	MaxHeld int
}

const (
	defaultLoads = 32
	leastGet     = 4 << 20
	mostGet      = 8 << 20
	defaultAhead = 256 << 20
	defaultHeld  = 1 << 16
)

func (c Config) withDefaults() Config {
	def(&c.MaxLoads, defaultLoads)
	def(&c.MaxPrefetch, defaultLoads)
	def(&c.MaxHeld, defaultHeld)
	if c.Ahead == 0 {
		if c.Ahead = defaultAhead; !c.Objects {
			c.Ahead = min(c.Ahead, max(c.Capacity/2, 1))
		}
	}
	def(&c.MaxGet, int(min(max(c.Ahead/16, leastGet), mostGet)))
	return c
}

func def(v *int, d int) {
	if *v == 0 {
		*v = d
	}
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	c = c.withDefaults()
	_, errPolicy := policy.Lookup(c.Policy)
	_, errPrefetch := prefetch.New(c.Prefetch)
	faults := []error{errPolicy, errPrefetch, c.Service.Validate()}
	want := func(ok bool, what string, found int64) {
		if !ok {
			faults = append(faults, fmt.Errorf("timed replay: %s of %d, at least 1", what, found))
		}
	}
	want(c.Capacity >= 1, "capacity", c.Capacity)
	want(c.MaxLoads >= 1, "GETs for readers", int64(c.MaxLoads))
	want(c.MaxPrefetch >= 1, "GETs ahead", int64(c.MaxPrefetch))
	want(c.MaxGet >= 1, "bytes of a GET", int64(c.MaxGet))
	want(c.Ahead >= 1, "bytes ahead", c.Ahead)
	want(c.MaxHeld >= 1, "held accesses", int64(c.MaxHeld))
	return errors.Join(faults...)
}

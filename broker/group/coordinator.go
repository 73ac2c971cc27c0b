package group

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Coordinator serves the groups whose offsets its log keeps. Its methods may be
// called at the same time; Join and Sync block.
type Coordinator struct {
	cfg Config

	mu     sync.Mutex
	groups map[string]*group // guarded by mu
	turned int64             // guarded by mu; groups turned away for MaxGroups

	loaded  atomic.Bool
	skipped atomic.Int64    // by Load
	life    context.Context // ends with Close
	end     context.CancelFunc
	keeper  sync.WaitGroup

	store store
}

// New makes a coordinator that answers COORDINATOR_LOAD_IN_PROGRESS until Load
// has returned nil.
func New(cfg Config) (*Coordinator, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Coordinator{cfg: cfg, groups: make(map[string]*group), store: newStore()}
	c.life, c.end = context.WithCancel(context.Background())
	return c, nil
}

// Load reads the offsets from the log and serves from then on; what cannot be
// decoded is logged, counted (Skipped) and passed over. It also starts
// what expires offsets and takes snapshots, until Close. After an error it may
// be called again.
func (c *Coordinator) Load(ctx context.Context, log Log) error {
	found, err := readOffsets(ctx, log, c.cfg.Logger)
	if err != nil {
		return fmt.Errorf("load %s: %w", TopicName, err)
	}
	now := c.cfg.Clock()
	c.mu.Lock()
	for id, offsets := range found.live {
		g := newGroup(c, id)
		g.offsets, g.emptySince = offsets, now
		c.groups[id] = g
	}
	c.mu.Unlock()
	c.skipped.Store(int64(found.skipped))
	c.store.log, c.store.excess = log, found.records-count(found.live)
	c.loaded.Store(true)
	c.keeper.Go(c.keep)
	return nil
}

// Skipped is how many records and batches Load could not decode.
func (c *Coordinator) Skipped() int64 { return c.skipped.Load() }

// Close ends all waits, which are answered NOT_COORDINATOR as everything is
// from now on, and returns when nothing of the coordinator runs any more.
func (c *Coordinator) Close() {
	c.end()
	c.keeper.Wait()
	for _, g := range c.all() {
		g.mu.Lock()
		g.stopTimers()
		g.mu.Unlock()
	}
}

// unready is why no group can be served now; nil when they can.
func (c *Coordinator) unready() *kerr.Error {
	if c.life.Err() != nil {
		return kerr.NotCoordinator
	}
	if !c.loaded.Load() {
		return kerr.CoordinatorLoadInProgress
	}
	return nil
}

// find is the group of that id, nil when there is none.
func (c *Coordinator) find(id string) *group {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.groups[id]
}

// locked returns the group, locked, made if need be; nil when there are too
// many.
//
// A group that is found may be dropped before it is locked: it is Dead then,
// and no longer in the map, so looking again makes a new one.
func (c *Coordinator) locked(id string) *group {
	for {
		g := c.findOrMake(id)
		if g == nil {
			return nil
		}
		g.mu.Lock()
		if g.state != Dead {
			return g
		}
		g.mu.Unlock()
	}
}

// lockedIfThere is locked for requests that make no group.
func (c *Coordinator) lockedIfThere(id string) *group {
	g := c.find(id)
	if g == nil {
		return nil
	}
	g.mu.Lock()
	if g.state == Dead {
		g.mu.Unlock()
		return nil
	}
	return g
}

func (c *Coordinator) findOrMake(id string) *group {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g := c.groups[id]; g != nil {
		return g
	}
	if len(c.groups) >= c.cfg.MaxGroups {
		c.turned++
		return nil
	}
	g := newGroup(c, id)
	c.groups[id] = g
	return g
}

// all are the groups there are, in no order.
func (c *Coordinator) all() []*group {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]*group, 0, len(c.groups))
	for _, g := range c.groups {
		out = append(out, g)
	}
	return out
}

// drop forgets a group. Its lock is held.
func (c *Coordinator) drop(g *group) {
	g.state = Dead
	g.stopTimers()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.groups[g.id] == g {
		delete(c.groups, g.id)
	}
}

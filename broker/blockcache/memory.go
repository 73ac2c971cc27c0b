package blockcache

import (
	"context"
	"fmt"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/trace"
)

// begin makes a block that is about to be loaded, with one pin for the load.
// It evicts what it must, but nothing when that would not be enough.
func (c *Cache) begin(req policy.Request, e object.IndexEntry) (*Block, error) {
	size := c.slotBytes(e)
	// A reader may hold loans while it waits for this one, so there must be room
	// for it whatever is on loan.
	if req.Size > c.slots.limit-c.cfg.LendSize {
		return nil, fmt.Errorf("object %d, block of %d bytes at %d: %w", req.Key.Object, e.Size, e.Position, errTooLarge)
	}
	if !c.slots.fits(size, c.idle) {
		return nil, fmt.Errorf("object %d, block at %d: %w", req.Key.Object, e.Position, ErrBusy)
	}
	cacheable := policy.MakeRoom(c.policy, c.cfg.Size, req, c.drop)
	for !c.slots.fits(size, 0) { // pinned blocks stand in the way: idle ones must go beyond what the policy needs
		k, ok := c.policy.Evict(req)
		if !ok {
			panic(fmt.Sprintf("blockcache: %d bytes idle and nothing to evict", c.idle))
		}
		c.recordGone(trace.Pushed, c.blocks[k])
		c.drop(k)
	}
	buf, err := c.slots.take(size)
	if err != nil {
		return nil, err
	}
	b := &Block{cache: c, key: req.Key, entry: e, buf: buf[:cap(buf)], head: int(e.Position) & c.pad, ready: make(chan struct{}), pins: 1}
	c.blocks[b.key] = b
	if cacheable {
		c.policy.Insert(req)
		b.resident = true
	}
	return b, nil
}

// admit gives an evicted block that is still held back to the policy. The
// block is pinned, hence not idle.
func (c *Cache) admit(b *Block, req policy.Request) bool {
	if !policy.MakeRoom(c.policy, c.cfg.Size, req, c.drop) {
		return false
	}
	c.policy.Insert(req)
	b.resident = true
	return true
}

// drop lets go of a block that the policy has evicted. Its memory goes now or
// with its last pin.
func (c *Cache) drop(k policy.Key) {
	c.n.evictions.Add(1)
	c.letGo(c.blocks[k])
}

func (c *Cache) letGo(b *Block) {
	b.resident = false
	c.behind.leave(b)
	if b.pins == 0 {
		c.idle -= b.slotSize()
		c.free(b)
	}
}

// waitForMemory gives the lock up until a block is released, ctx ends or the
// cache is closed.
func (c *Cache) waitForMemory(ctx context.Context) error {
	c.n.pinWaits.Add(1)
	c.waiters++
	freed := c.freed
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-freed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return ErrClosed
	}
}

// unmapIfClosed gives the memory back once the cache is closed and no slot is
// in use.
func (c *Cache) unmapIfClosed() {
	if c.closed && c.slots.inUse == 0 {
		// It fails only for addresses that were not mapped, which is a fault here.
		if err := c.slots.unmap(); err != nil {
			panic(err)
		}
	}
}

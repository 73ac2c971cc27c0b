package blockcache

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
)

// startLoad is a function of its own so that what the goroutine captures moves
// to the heap for misses only.
func (c *Cache) startLoad(b *Block, ref ObjectRef) {
	c.waiting++
	c.loads.Go(func() { c.loadForReader(b, ref) })
}

// loadForReader runs on a goroutine of its own and takes one of the tokens
// for readers' GETs.
func (c *Cache) loadForReader(b *Block, ref ObjectRef) {
	err := c.withToken(func() error {
		c.n.loads.Add(1)
		return c.load(c.ctx, ref, b)
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting--
	c.countGET(err)
	c.finish(b, err)
	c.pump()
}

// withToken runs fn while it holds a token, or returns ErrClosed.
func (c *Cache) withToken(fn func() error) error {
	select {
	case c.demand <- struct{}{}:
		defer func() { <-c.demand }()
		return fn()
	case <-c.ctx.Done():
		return ErrClosed
	}
}

// load fills the memory of adjacent blocks with one GET and checks each. The
// context ends with the cache, or at the load's deadline; not with a reader.
func (c *Cache) load(ctx context.Context, ref ObjectRef, blocks ...*Block) error {
	var few [8]objstore.Slot
	slots := few[:0]
	for _, b := range blocks {
		slots = append(slots, b.slot())
	}
	pos, size := blocks[0].entry.Position, objstore.SlotBytes(slots)
	err := c.get(ctx, ref, pos, size, func(ctx context.Context) error {
		return objstore.GetSlots(ctx, c.cfg.Store, ref.Key, pos, slots)
	})
	if err != nil {
		return err
	}
	c.n.loadedBytes.Add(int64(size))
	for _, b := range blocks {
		if err := c.check(ctx, b, ref); err != nil {
			return err
		}
	}
	return nil
}

// check has a block checked when it is its turn: one that a reader waits for
// comes before those ahead of readers. An error is that of ctx.
func (c *Cache) check(ctx context.Context, b *Block, ref ObjectRef) error {
	if _, err := c.checks.Enter(ctx); err != nil { // whoever is inside needs nothing else
		return fmt.Errorf("%s: waiting for a check: %w", ref.Key, err)
	}
	defer c.checks.Leave()
	b.err = c.inspect(b, ref)
	return nil
}

// inspect holds a block against its index entry and notes where its batches are.
func (c *Cache) inspect(b *Block, ref ObjectRef) error {
	var err error
	if b.table, err = newTable(ref.ID, b.entry, b.Bytes(), c.cfg.Verify); err != nil {
		return fmt.Errorf("%s: %w", ref.Key, err)
	}
	return nil
}

// get is one GET with its deadline and its place in errors.
func (c *Cache) get(ctx context.Context, ref ObjectRef, pos int64, size int, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.LoadTimeout)
	defer cancel()
	if err := call(ctx); err != nil {
		return fmt.Errorf("object %d, %d bytes at %d: %w", ref.ID, size, pos, err)
	}
	return nil
}

// finish publishes the end of a load and gives its pin back. err is the GET's,
// b.err what was wrong with the bytes. A block that could not be loaded, or has
// a bad batch, leaves the map first: nobody finds it from here on, and the next
// reader begins anew.
func (c *Cache) finish(b *Block, err error) {
	if b.err != nil || b.table.bad != nil {
		c.n.corrupt.Add(1)
	}
	if err != nil {
		b.err = err
	}
	if b.err != nil || b.table.bad != nil {
		c.abandon(b)
	}
	close(b.ready)
	c.unpin(b)
}

func (c *Cache) countGET(err error) {
	if err != nil {
		c.n.loadErrors.Add(1)
	}
}

// countError counts the outcome of a load that is a GET and one check.
func (c *Cache) countError(err error) {
	if errors.Is(err, object.ErrCorrupt) {
		c.n.corrupt.Add(1)
		return
	}
	c.countGET(err)
}

func (c *Cache) abandon(b *Block) {
	if b.resident {
		c.policy.Remove(b.key)
		b.resident = false
	}
	c.unmark(b)
	c.behind.leave(b)
	delete(c.blocks, b.key)
}

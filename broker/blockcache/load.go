package blockcache

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidelog/tide/broker/object"
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
		return c.load(b, ref)
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting--
	c.finish(b, err)
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

// load fills the block's memory with one GET and holds it against the index
// entry.
func (c *Cache) load(b *Block, ref ObjectRef) error {
	if err := c.get(ref, b.entry.Position, b.mem); err != nil {
		return err
	}
	nothing := func([]byte, object.RecordBatch) error { return nil }
	if err := object.ForEachBatch(ref.ID, b.entry, b.mem, nothing); err != nil {
		return fmt.Errorf("%s: %w", ref.Key, err)
	}
	c.n.loadedBytes.Add(int64(len(b.mem)))
	return nil
}

// get is one ranged GET that ends with the cache or at its deadline, not with
// a reader.
func (c *Cache) get(ref ObjectRef, pos int64, p []byte) error {
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.LoadTimeout)
	defer cancel()
	if err := c.cfg.Store.GetRange(ctx, ref.Key, pos, p); err != nil {
		return fmt.Errorf("object %d, %d bytes at %d: %w", ref.ID, len(p), pos, err)
	}
	return nil
}

// finish publishes the end of a load and gives its pin back. A block that
// could not be loaded leaves the map first: nobody finds it from here on, and
// the next reader begins anew.
func (c *Cache) finish(b *Block, err error) {
	if err != nil {
		c.countError(err)
		c.abandon(b)
	}
	b.err = err
	close(b.ready)
	c.unpin(b)
}

func (c *Cache) countError(err error) {
	if errors.Is(err, object.ErrCorrupt) {
		c.n.corrupt.Add(1)
		return
	}
	c.n.loadErrors.Add(1)
}

func (c *Cache) abandon(b *Block) {
	if b.resident {
		c.policy.Remove(b.key)
		b.resident = false
	}
	b.prefetched = false
	delete(c.blocks, b.key)
}

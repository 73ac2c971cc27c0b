package blockcache

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/cacheexp/trace"
)

// wanted is a load for readers until its GET begins.
type wanted struct {
	ref    ObjectRef
	blocks []*Block // adjacent
	taken  bool     // guarded by cache.mu: a GET brings them
}

// startLoad is a function of its own so that what the goroutine captures moves
// to the heap for misses only.
func (c *Cache) startLoad(ref ObjectRef, blocks []*Block) {
	c.waiting++
	w := &wanted{ref: ref, blocks: blocks}
	c.wanted = append(c.wanted, w)
	c.loads.Go(func() { c.loadForReader(w) })
}

// loadForReader runs on a goroutine of its own and takes one of the tokens
// for readers' GETs. When it gets one, another load's GET may have brought the
// blocks along.
func (c *Cache) loadForReader(w *wanted) {
	var blocks []*Block
	var began int64
	err := c.withToken(func() error {
		if blocks = c.gather(w); blocks == nil {
			return nil
		}
		began = c.cfg.Clock()
		c.n.loads.Add(1)
		return c.load(c.ctx, w.ref, blocks...)
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting--
	if !w.taken { // closed before there was a token
		c.take(w)
		blocks = w.blocks
	}
	if blocks != nil {
		c.ended(began, err)
	}
	for _, b := range blocks {
		c.finish(b, err)
	}
	c.pump()
}

// gather takes the load and all that wait, too, and are adjacent to it: one GET.
// nil: it was taken along before.
func (c *Cache) gather(w *wanted) []*Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.taken {
		return nil
	}
	c.take(w)
	run := w.blocks
	for next := c.neighbour(w.ref, run); next != nil; next = c.neighbour(w.ref, run) {
		c.take(next)
		if first := next.blocks[0]; first.entry.Position > run[0].entry.Position {
			run = slices.Concat(run, next.blocks)
		} else {
			run = slices.Concat(next.blocks, run)
		}
	}
	return run
}

// neighbour is a load that waits, right before or behind a run of blocks, if both
// together are no more than a GET may be.
func (c *Cache) neighbour(ref ObjectRef, run []*Block) *wanted {
	from, to := span(run)
	for _, w := range c.wanted {
		first, end := span(w.blocks)
		if w.ref.ID == ref.ID && (end == from || first == to) && to-from+end-first <= int64(c.cfg.MaxGet) {
			return w
		}
	}
	return nil
}

// span is where adjacent blocks begin and end in their object.
func span(run []*Block) (from, to int64) {
	last := run[len(run)-1].entry
	return run[0].entry.Position, last.Position + int64(last.Size)
}

func (c *Cache) take(w *wanted) {
	w.taken = true
	c.wanted = slices.DeleteFunc(c.wanted, func(o *wanted) bool { return o == w })
}

// ended counts a GET of blocks.
func (c *Cache) ended(began int64, err error) {
	if err == nil {
		c.tail.Add(c.cfg.Clock() - began)
	}
	c.countGET(err)
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
		c.recordGone(trace.Drop, b)
		b.resident = false
	}
	c.unmark(b)
	c.behind.leave(b)
	delete(c.blocks, b.key)
}

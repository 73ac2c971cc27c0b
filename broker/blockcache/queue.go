package blockcache

import (
	"cmp"
	"slices"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/cacheexp/trace"
)

// candidate is a block that the prefetcher was shown.
type candidate struct {
	object ObjectRef
	entry  object.IndexEntry
}

// named is the block as a prefetcher names it.
func (s candidate) named() prefetch.Block {
	return prefetch.Block{Object: s.object.ID, Position: s.entry.Position, Size: s.entry.Size}
}

// enqueue queues a block to be loaded ahead, unless it is there, on its way or
// queued already.
func (c *Cache) enqueue(s candidate, first bool) {
	req := c.policyRequest(s.object.ID, s.entry)
	if c.known(req.Key) {
		return
	}
	if !c.queue.Add(prefetch.Item[candidate]{Block: s.named(), Cost: req.Size, What: s}, !first) {
		c.n.prefetchDropped.Add(1)
	}
}

// known says that a block is there, on its way, or to be loaded ahead.
func (c *Cache) known(k policy.Key) bool {
	return c.blocks[k] != nil || c.queue.Has(k.Object, k.Position)
}

// pump begins as many loads ahead as may be in flight. It is called whenever a
// load has ended or something was queued.
func (c *Cache) pump() {
	for c.queue.Waiting() && c.mayPrefetch() {
		if !c.beginAhead(c.queue.Next()) {
			c.prefetching--
		}
	}
}

// beginAhead begins one load of adjacent blocks; false: there was nothing to
// load, or no memory.
func (c *Cache) beginAhead(items []prefetch.Item[candidate]) bool {
	var run []candidate
	for _, i := range items {
		c.queue.Take(i.Block.Object, i.Block.Position)
		run = append(run, i.What)
	}
	r := newRising()
	blocks := c.beginRun(run, r)
	if len(blocks) == 0 {
		return false
	}
	c.n.prefetches.Add(1)
	ref := run[0].object
	c.loads.Go(func() { c.loadAhead(r, ref, blocks) })
	return true
}

// beginRun makes adjacent blocks that are to be loaded though nobody has asked
// for them. A block for which there is no memory ends the run: the GET is for
// those before it, and it and those behind it are dropped.
func (c *Cache) beginRun(run []candidate, r *rising) []*Block {
	var blocks []*Block
	for i, s := range run {
		b, err := c.begin(c.policyRequest(s.object.ID, s.entry), s.entry)
		if err != nil {
			c.n.prefetchDropped.Add(int64(len(run) - i))
			break
		}
		b.prefetched, b.scanned, b.rising = true, true, r
		c.recordBlock(trace.Prefetch, s.object.ID, s.entry, 0)
		c.queue.Hold(b.slotSize())
		c.n.prefetchedBlocks.Add(1)
		c.n.prefetchedBytes.Add(int64(s.entry.Size))
		blocks = append(blocks, b)
	}
	return blocks
}

// beside are the proposals that stand right before and right behind a block, with
// nothing between that is known already. They come into the block's own GET.
// It sorts what was shown, and the results are parts of that.
func (c *Cache) beside(b prefetch.Block, shown []candidate) (before, behind []candidate) {
	slices.SortFunc(shown, func(x, y candidate) int { return cmp.Compare(x.entry.Position, y.entry.Position) })
	wanted := func(s candidate) bool {
		return !c.known(policy.Key{Object: s.object.ID, Position: s.entry.Position})
	}
	mid, _ := slices.BinarySearchFunc(shown, b.Position, func(s candidate, at int64) int { return cmp.Compare(s.entry.Position, at) })
	from, to := mid, mid
	for last := b; to < len(shown) && prefetch.Adjacent(last, shown[to].named()) && wanted(shown[to]); to++ {
		last = shown[to].named()
	}
	for first := b; from > 0 && prefetch.Adjacent(shown[from-1].named(), first) && wanted(shown[from-1]); from-- {
		first = shown[from-1].named()
	}
	return slices.Clone(shown[from:mid]), shown[mid:to]
}

func (c *Cache) loadAhead(r *rising, ref ObjectRef, blocks []*Block) {
	began := c.cfg.Clock()
	err := c.load(r.of(c.ahead), ref, blocks...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prefetching--
	c.ended(began, err)
	for _, b := range blocks {
		c.finish(b, err)
	}
	c.pump()
}

package blockcache

import (
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/trace"
)

// aheadQueue holds what is to be loaded ahead of readers until a GET may begin.
// Adjacent blocks of an object that were proposed together stand in one group,
// which is one GET:
//
//	proposed   a1 a2 a3 │ a7 a8 │ b1
//	GETs       └──────┘   └───┘   └┘
//
// Memory is taken when the GET begins, not before. A reader that wants a block
// earlier takes it out of the queue and loads it itself.
type aheadQueue struct {
	groups  []group
	waiting map[policy.Key]int64 // the blocks in groups, with the bytes of their slots
	bytes   int64                // of these slots, and of those loading or loaded and unread
}

// group is adjacent blocks of one object.
type group struct {
	ref     ObjectRef
	entries []object.IndexEntry
	size    int // bytes of the blocks
}

// add appends a block that is not in the queue; to the newest group when it
// stands behind that one's last block and may join it.
func (q *aheadQueue) add(key policy.Key, ref ObjectRef, e object.IndexEntry, slot int64, mayJoin bool, most int) {
	q.waiting[key] = slot
	q.bytes += slot
	if n := len(q.groups); mayJoin && n > 0 && q.groups[n-1].takes(ref, e, most) {
		q.groups[n-1].entries = append(q.groups[n-1].entries, e)
		q.groups[n-1].size += int(e.Size)
		return
	}
	q.groups = append(q.groups, group{ref, []object.IndexEntry{e}, int(e.Size)})
}

func (g *group) takes(ref ObjectRef, e object.IndexEntry, most int) bool {
	last := g.entries[len(g.entries)-1]
	return g.ref.ID == ref.ID && last.Position+int64(last.Size) == e.Position && g.size+int(e.Size) <= most
}

// take removes a block, and reports whether it was there.
func (q *aheadQueue) take(key policy.Key) bool {
	slot, ok := q.waiting[key]
	if ok {
		delete(q.waiting, key)
		q.bytes -= slot
	}
	return ok
}

// next removes the first adjacent blocks that are still wanted.
func (q *aheadQueue) next(wanted func(policy.Key) bool) (ObjectRef, []object.IndexEntry) {
	for len(q.groups) > 0 {
		g := &q.groups[0]
		n, skip := 0, 0
		for _, e := range g.entries {
			if wanted(policy.Key{Object: g.ref.ID, Position: e.Position}) {
				n++
			} else if n > 0 {
				break
			} else {
				skip++
			}
		}
		ref, run := g.ref, g.entries[skip:skip+n]
		if g.entries = g.entries[skip+n:]; len(g.entries) == 0 {
			q.groups[0] = group{}
			q.groups = q.groups[1:]
		}
		if n > 0 {
			return ref, run
		}
	}
	q.groups = nil
	return ObjectRef{}, nil
}

// clear forgets what has not begun.
func (q *aheadQueue) clear() {
	for key := range q.waiting {
		q.take(key)
	}
	q.groups = nil
}

// enqueue queues a block to be loaded ahead, unless it is there, on its way or
// queued already.
func (c *Cache) enqueue(ref ObjectRef, e object.IndexEntry, first bool) {
	req := c.policyRequest(ref.ID, e)
	if _, queued := c.queue.waiting[req.Key]; queued || c.blocks[req.Key] != nil {
		return
	}
	if c.queue.bytes+req.Size > c.cfg.AheadSize {
		c.n.prefetchDropped.Add(1)
		return
	}
	c.queue.add(req.Key, ref, e, req.Size, !first, c.cfg.MaxGet)
}

// pump begins as many loads ahead as may be in flight. It is called whenever a
// load has ended or something was queued.
func (c *Cache) pump() {
	for len(c.queue.groups) > 0 && c.mayPrefetch() {
		ref, entries := c.queue.next(func(k policy.Key) bool { _, ok := c.queue.waiting[k]; return ok })
		if !c.beginAhead(ref, entries) {
			c.prefetching--
		}
	}
}

// beginAhead begins one load of adjacent blocks; false: there was nothing to
// load, or no memory. A block for which there is none ends the run: the GET is
// for those before it, and it and those behind it are dropped.
func (c *Cache) beginAhead(ref ObjectRef, entries []object.IndexEntry) bool {
	var blocks []*Block
	r := newRising()
	for i, e := range entries {
		req := c.policyRequest(ref.ID, e)
		c.queue.take(req.Key)
		b, err := c.begin(req, e)
		if err != nil {
			c.n.prefetchDropped.Add(int64(len(entries) - i))
			for _, e := range entries[i:] {
				c.queue.take(policy.Key{Object: ref.ID, Position: e.Position})
			}
			break
		}
		b.prefetched, b.scanned, b.rising = true, true, r
		c.recordBlock(trace.Prefetch, ref.ID, e, 0)
		c.queue.bytes += b.slotSize()
		c.n.prefetchedBlocks.Add(1)
		c.n.prefetchedBytes.Add(int64(e.Size))
		blocks = append(blocks, b)
	}
	if len(blocks) == 0 {
		return false
	}
	c.n.prefetches.Add(1)
	c.loads.Go(func() { c.loadAhead(r, ref, blocks) })
	return true
}

func (c *Cache) loadAhead(r *rising, ref ObjectRef, blocks []*Block) {
	err := c.load(r.of(c.ahead), ref, blocks...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prefetching--
	c.countGET(err)
	for _, b := range blocks {
		c.finish(b, err)
	}
	c.pump()
}

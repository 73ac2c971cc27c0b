package blockcache

import (
	"container/list"

	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/trace"
)

// behind are the blocks that were loaded ahead of a reader and read by it to
// their end. A reader that catches up does not come back, so most of them are
// of no use to anybody; left to the policy, a scan fills the whole cache with
// them, and each of them takes memory that was never touched before (0.3 s of
// CPU a GiB) and pushes out what others read again.
//
// So only the newest of them are kept, and a block that leaves gives its slot,
// still in the processor's cache, to the next one that is loaded. AutoMQ frees
// a block at once when its last reader has read it; here some stay, for a
// second consumer that follows the first:
//
//	oldest ◀── limit ──▶ newest
//	leaves   │ read by one reader
//
// A block that a second reader asks for goes back to the policy's care. One that
// is asked for after it has left shows that the limit is too small: then it
// doubles, up to the size of the cache, where the policy decides everything.
type behind struct {
	limit, most int64
	bytes       int64      // of the blocks in order
	order       *list.List // of *Block, oldest first
	gone        map[policy.Key]struct{}
	ring        []policy.Key // the keys of gone, in the order in which they went
	at          int          // the oldest one in ring
}

// goneKeys is how many blocks that left are remembered.
const goneKeys = 1024

func newBehind(limit, most int64) behind {
	return behind{limit: limit, most: most, order: list.New(), gone: make(map[policy.Key]struct{})}
}

// rescue is called when a reader asks for a block that is there.
func (h *behind) rescue(b *Block) {
	if b.place != nil {
		h.leave(b)
		b.scanned = false
	}
}

func (h *behind) leave(b *Block) {
	if b.place != nil {
		h.order.Remove(b.place)
		b.place = nil
		h.bytes -= b.slotSize()
	}
}

// enter adds a block that was read to its end.
func (h *behind) enter(b *Block) {
	b.place = h.order.PushBack(b)
	h.bytes += b.slotSize()
}

// next is the block that has to leave, or nil.
func (h *behind) next() *Block {
	if h.bytes <= h.limit || h.order.Len() == 0 {
		return nil
	}
	return h.order.Front().Value.(*Block)
}

func (h *behind) remember(k policy.Key) {
	if len(h.ring) < goneKeys {
		h.ring = append(h.ring, k)
	} else {
		delete(h.gone, h.ring[h.at])
		h.ring[h.at] = k
		h.at = (h.at + 1) % goneKeys
	}
	h.gone[k] = struct{}{}
}

// grow doubles the limit when the block is one that has left. What left before
// is forgotten: it tells nothing about the new limit.
func (h *behind) grow(k policy.Key) bool {
	if _, ok := h.gone[k]; !ok {
		return false
	}
	h.limit = min(max(h.limit, 1)*2, h.most)
	clear(h.gone)
	h.ring, h.at = h.ring[:0], 0
	return true
}

// missed is called when a reader asks for a block that is not there.
func (c *Cache) missed(k policy.Key) {
	if c.behind.grow(k) {
		c.n.behindMissed.Add(1)
	}
}

// Finish tells that the reader has read the block to its end. The pin stays.
func (b *Block) Finish() {
	c := b.cache
	if b.uncached {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !b.scanned || !b.resident || b.place != nil {
		return
	}
	c.behind.enter(b)
	for old := c.behind.next(); old != nil; old = c.behind.next() {
		c.dismiss(old)
	}
}

// dismiss lets go of a block before the policy would.
func (c *Cache) dismiss(b *Block) {
	c.policy.Remove(b.key)
	c.recordGone(trace.Drop, b)
	c.behind.remember(b.key)
	c.n.behind.Add(1)
	c.letGo(b)
}

package blockcache

import (
	"container/list"
	"context"
	"fmt"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/cacheexp/policy"
)

// Block is a DataBlock, or a group of them, held in memory for its readers.
// Get pins it once for each call; each pin ends with one Release.
type Block struct {
	cache *Cache
	key   policy.Key
	entry object.IndexEntry
	buf   []byte        // the slot; written by the load only, before ready is closed
	head  int           // where in buf the block begins
	ready chan struct{} // closed when the load has ended
	err   error         // of the load; read only after ready is closed
	table table         // where its batches are; likewise

	uncached bool // not in the cache, with memory of its own; never changes

	// Guarded by cache.mu.
	pins       int           // readers, and the load while it runs
	resident   bool          // the policy holds it
	begun      bool          // the request that began the load has not been counted
	prefetched bool          // loaded ahead, and nobody has asked for it yet
	lent       int           // of the pins, those that are lent
	scanned    bool          // loaded ahead, and only one reader has asked for it
	place      *list.Element // in behind; nil: not there
	rising     *rising       // of the load ahead that brings it; nil: a reader's own load
}

// Bytes is the block as it stands in the object. It must not be changed, nor
// used after Release.
func (b *Block) Bytes() []byte { return b.slot().Data() }

func (b *Block) slot() objstore.Slot {
	return objstore.Slot{Buf: b.buf, Head: b.head, Size: int(b.entry.Size)}
}

// loaded tells that the load has ended.
func (b *Block) loaded() bool {
	select {
	case <-b.ready:
		return true
	default:
		return false
	}
}

// Release ends one pin. The bytes may be gone at once.
func (b *Block) Release() {
	c := b.cache
	if b.uncached {
		<-c.large
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unpin(b)
}

// await waits for the load, or for ctx. On an error the pin is given back.
func (b *Block) await(ctx context.Context) (*Block, error) {
	select {
	case <-b.ready: // a block that is there is served even to a ctx that has ended
	default:
		select {
		case <-b.ready:
		case <-ctx.Done():
			b.Release()
			return nil, ctx.Err()
		}
	}
	if b.err != nil {
		b.Release()
		return nil, b.err
	}
	return b, nil
}

// slotSize is what the block costs, in bytes. It depends on nothing but the
// block's length, so that a simulator can charge the same.
func (b *Block) slotSize() int64 { return int64(len(b.buf)) }

func (c *Cache) pin(b *Block) {
	if b.pins == 0 && b.resident {
		c.idle -= b.slotSize()
	}
	b.pins++
}

func (c *Cache) unpin(b *Block) {
	if b.pins <= 0 {
		panic(fmt.Sprintf("blockcache: release of a block that is not pinned (object %d, position %d)", b.key.Object, b.key.Position))
	}
	b.pins--
	if b.pins > 0 {
		return
	}
	if b.resident {
		c.idle += b.slotSize()
	} else {
		c.free(b)
	}
	c.wakeWaiters()
}

// free takes the memory of a block that nobody holds and the policy has let go.
func (c *Cache) free(b *Block) {
	if c.blocks[b.key] == b {
		delete(c.blocks, b.key)
	}
	if b.prefetched {
		c.n.prefetchWasted.Add(1)
		c.unmark(b)
	}
	c.slots.put(b.buf)
	b.buf = nil
	c.unmapIfClosed()
}

// wakeWaiters lets everybody who waits for memory try again. One channel for
// all of them: it is rare, and each needs another amount.
func (c *Cache) wakeWaiters() {
	if c.waiters > 0 {
		close(c.freed)
		c.freed, c.waiters = make(chan struct{}), 0
	}
}

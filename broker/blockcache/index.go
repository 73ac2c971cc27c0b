package blockcache

import (
	"context"
	"fmt"
	"math"
	"unsafe"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/trace"
)

// indexLoad is a cached index, or one on its way.
type indexLoad struct {
	ready chan struct{} // closed when the load has ended
	index object.Index  // read only after ready is closed, likewise err
	err   error

	rising *rising // of a load ahead; nil: a reader's own
}

// indexOverhead is what an index costs beside its entries, in bytes: map and
// list entries, channel and headers, rounded up.
const indexOverhead = 256

// Index returns the object's index, from memory or with one ranged GET that
// all who ask meanwhile share. When ctx ends, the caller alone gives up. The
// index must not be changed; it stays valid whatever the cache does.
func (c *Cache) Index(ctx context.Context, ref ObjectRef) (object.Index, error) {
	if err := ref.checkIndex(); err != nil {
		return nil, err
	}
	l, err := c.indexLoad(ref)
	if err != nil {
		return nil, err
	}
	select {
	case <-l.ready:
		return l.index, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TryIndex is Index that does not wait: the error is ErrLoading while the index
// is on its way, which it begins if it must.
func (c *Cache) TryIndex(ref ObjectRef) (object.Index, error) {
	if err := ref.checkIndex(); err != nil {
		return nil, err
	}
	l, err := c.indexLoad(ref)
	if err != nil {
		return nil, err
	}
	select {
	case <-l.ready:
		return l.index, l.err
	default:
		return nil, ErrLoading
	}
}

// checkIndex bounds the length before anything is allocated.
func (o ObjectRef) checkIndex() error {
	length := int64(o.IndexLength)
	if length <= 0 || length%object.IndexEntrySize != 0 || o.IndexPosition < 0 ||
		o.IndexPosition > math.MaxInt64-math.MaxInt32-object.FooterSize ||
		o.IndexPosition+length+object.FooterSize > o.Size {
		return fmt.Errorf("object %d of %d bytes, index of %d bytes at %d: %w", o.ID, o.Size, length, o.IndexPosition, ErrRef)
	}
	return nil
}

func (c *Cache) indexLoad(ref ObjectRef) (*indexLoad, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	if l := c.indexes[ref.ID]; l != nil {
		c.indexOrder.Access(indexRequest(ref.ID, nil))
		l.rising.rise()
		c.n.indexHits.Add(1)
		c.recordIndex(trace.IndexHit, ref)
		return l, nil
	}
	c.n.indexMisses.Add(1)
	c.recordIndex(trace.IndexMiss, ref)
	l := c.beginIndex(ref.ID)
	c.waiting++
	c.loads.Go(func() {
		err := c.withToken(func() error { return c.loadIndex(c.ctx, l, ref) })
		c.mu.Lock()
		defer c.mu.Unlock()
		c.waiting--
		c.finishIndex(l, ref.ID, err)
		c.pump()
	})
	return l, nil
}

func (c *Cache) beginIndex(id int64) *indexLoad {
	l := &indexLoad{ready: make(chan struct{})}
	c.indexes[id] = l
	return l
}

func (c *Cache) loadIndex(ctx context.Context, l *indexLoad, ref ObjectRef) error {
	c.n.indexLoads.Add(1)
	c.n.indexLoadedBytes.Add(int64(ref.IndexLength))
	raw := make([]byte, ref.IndexLength)
	err := c.get(ctx, ref, ref.IndexPosition, len(raw), func(ctx context.Context) error {
		return c.cfg.Store.GetRange(ctx, ref.Key, ref.IndexPosition, raw)
	})
	if err != nil {
		return err
	}
	x, err := object.DecodeIndexAt(ref.ID, ref.IndexPosition, raw)
	if err != nil {
		return fmt.Errorf("%s: %w", ref.Key, err)
	}
	l.index = x
	return nil
}

// finishIndex publishes the end of a load. What failed, or is larger than the
// whole index cache, is not kept.
func (c *Cache) finishIndex(l *indexLoad, id int64, err error) {
	drop := func(k policy.Key) {
		c.n.indexEvictions.Add(1)
		delete(c.indexes, k.Object)
	}
	req := indexRequest(id, l.index)
	switch {
	case err != nil:
		c.countError(err)
		delete(c.indexes, id)
	case policy.MakeRoom(c.indexOrder, c.cfg.IndexSize, req, drop):
		c.indexOrder.Insert(req)
	default:
		delete(c.indexes, id)
	}
	l.err = err
	close(l.ready)
}

func indexRequest(id int64, x object.Index) policy.Request {
	size := indexOverhead + int64(cap(x))*int64(unsafe.Sizeof(object.IndexEntry{}))
	return policy.Request{Key: policy.Key{Object: id}, Size: size}
}

// peekIndex returns an index that is cached already, or nil. It does not count
// as a use: prefetching must not keep an index alive that no reader wants.
func (c *Cache) peekIndex(id int64) object.Index {
	l := c.indexes[id]
	if l == nil {
		return nil
	}
	select {
	case <-l.ready:
		return l.index
	default:
		return nil
	}
}

package blockcache

import (
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/cacheexp/trace"
)

// Recorder is told of every access of blocks and indexes, in the order in which
// the cache saw them. Record is called with the cache locked, from any
// goroutine: it must neither wait nor call the cache.
type Recorder interface {
	Record(a trace.Access)
}

// recordBlock notes an access of any kind to a block.
func (c *Cache) recordBlock(kind trace.Kind, id int64, e object.IndexEntry, reader uint64) {
	if c.cfg.Recorder == nil {
		return
	}
	c.cfg.Recorder.Record(trace.Access{
		Kind: kind, Size: e.Size, Time: c.cfg.Clock(), Stream: e.StreamID, Reader: reader,
		Object: id, Position: e.Position, Start: e.StartOffset, End: e.EndOffset(),
		Pages: int32(c.slots.size(c.slotBytes(e)) / trace.PageSize),
	})
}

// recordGone notes what the policy was told of, or had to do, beyond requests.
func (c *Cache) recordGone(kind trace.Kind, b *Block) {
	c.recordBlock(kind, b.key.Object, b.entry, 0)
}

// recordIndex notes an access to an object's index.
func (c *Cache) recordIndex(kind trace.Kind, ref ObjectRef) {
	if c.cfg.Recorder == nil {
		return
	}
	c.cfg.Recorder.Record(trace.Access{
		Kind: kind, Size: ref.IndexLength, Time: c.cfg.Clock(), Object: ref.ID, Position: ref.IndexPosition,
	})
}

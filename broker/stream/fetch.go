package stream

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/logcache"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
)

// lookAhead is how many objects behind the one being read are shown to the
// prefetcher.
const lookAhead = 4

// errNowhere: an offset between start and end is neither in the log cache nor
// in an object: a broken promise of rule 3.
var errNowhere = errors.New("offset is neither in the log cache nor in an object")

// Fetch reads whole batches from the one that holds offset, up to maxBytes and
// the durable end; at least one when minOne is set. At the end it returns an
// empty Read. The caller must Release the Read.
//
// What the log cache holds is copied out of it, under a pin that lasts as long
// as the copy: a slow consumer must not keep the ring from going round.
func (s *Stream) Fetch(ctx context.Context, offset int64, maxBytes int, minOne bool) (*Read, error) {
	end, start := s.End(), s.Start()
	if offset < start || offset > end {
		return nil, fmt.Errorf("stream %d: offset %d, the stream has [%d, %d): %w", s.id, offset, start, end, ErrOffsetOutOfRange)
	}
	r := &Read{Next: offset}
	var err error
	for more := true; more && r.Next < end && (r.Bytes < maxBytes || (minOne && r.Bytes == 0)); {
		more, err = s.fetchSome(ctx, r, end, maxBytes-r.Bytes, minOne && r.Bytes == 0)
	}
	// After an error what was read before it is good; the error comes again
	// with the next fetch.
	if err != nil && r.Bytes == 0 {
		r.Release()
		return nil, fmt.Errorf("stream %d: fetch at offset %d: %w", s.id, r.Next, err)
	}
	return r, nil
}

// fetchSome adds what one place holds of the stream at r.Next: the log cache,
// or one block of an object. It reports whether it added anything.
func (s *Stream) fetchSome(ctx context.Context, r *Read, limit int64, maxBytes int, minOne bool) (bool, error) {
	e := s.engine
	sp := e.cache.Read(s.id, r.Next, limit, maxBytes, minOne)
	if sp.Found {
		s.take(r, sp)
		return len(sp.Payloads) > 0 && !sp.Enough, nil
	}
	for attempt := 0; ; attempt++ {
		more, err := s.fetchObject(ctx, r, maxBytes, minOne)
		// An object that went away was compacted or trimmed meanwhile: newer
		// metadata names another (rule 8).
		if attempt == refreshes || !(errors.Is(err, objstore.ErrNotFound) || errors.Is(err, errNowhere)) {
			return more, err
		}
		e.counters.refreshedMetadata.Add(1)
		if err := e.cfg.Meta.Sync(ctx); err != nil {
			return false, err
		}
		if known, ok := e.cfg.Meta.Stream(s.id); ok {
			s.raiseStart(known.Start)
		}
		if r.Next < s.Start() {
			return false, ErrOffsetOutOfRange
		}
	}
}

// refreshes is how often one read asks for newer metadata. Once is enough while
// the grace time of deletes is longer than a read takes.
const refreshes = 3

// take copies a span of the log cache into the Read.
func (s *Stream) take(r *Read, sp logcache.Span) {
	if len(sp.Payloads) == 0 {
		return
	}
	e := s.engine
	buf := e.bufs.get(sp.Bytes)
	dst := buf.bytes[:0]
	for _, p := range sp.Payloads {
		dst = append(dst, p...)
	}
	release(sp.Pinned)
	r.add(buf, dst, sp.Next)
	e.counters.cacheRecords.Add(sp.Records)
	e.counters.cacheBytes.Add(int64(sp.Bytes))
}

func release(blocks []*logcache.Block) {
	for _, b := range blocks {
		b.Release()
	}
}

// fetchObject adds batches from the one DataBlock (or group) that holds r.Next.
func (s *Stream) fetchObject(ctx context.Context, r *Read, maxBytes int, minOne bool) (bool, error) {
	e := s.engine
	refs, err := s.locate(r.Next)
	if err != nil {
		return false, err
	}
	index, err := e.cfg.Blocks.Index(ctx, refs[0])
	if err != nil {
		return false, err
	}
	// After an accepted loss an object's range may begin before its first
	// batch, so the entry is the first one that ends beyond the offset.
	i, _ := index.Find(s.id, r.Next)
	if i == len(index) || index[i].StreamID != s.id {
		return false, fmt.Errorf("object %d: %w", refs[0].ID, errNowhere)
	}
	block, err := e.cfg.Blocks.Get(ctx, blockcache.Request{Object: refs[0], Entry: index[i], Following: refs[1:]})
	if err != nil {
		return false, err
	}
	defer block.Release()
	return s.takeBlock(r, refs[0].ID, index[i], block.Bytes(), maxBytes, minOne)
}

// locate returns the object that holds the offset and the ones that follow it.
func (s *Stream) locate(offset int64) ([]blockcache.ObjectRef, error) {
	m := s.engine.cfg.Meta
	known, ok := m.Stream(s.id)
	if !ok {
		return nil, ErrClosed
	}
	ranges := known.Ranges
	i := sort.Search(len(ranges), func(i int) bool { return ranges[i].End > offset })
	var refs []blockcache.ObjectRef
	for _, rg := range ranges[i:min(i+1+lookAhead, len(ranges))] {
		o, ok := m.Object(rg.ObjectID)
		if !ok {
			break
		}
		refs = append(refs, blockcache.ObjectRef{ID: o.ID, Key: o.Key, Size: o.Size, IndexPosition: o.IndexPosition, IndexLength: o.IndexLength})
	}
	if len(refs) == 0 || ranges[i].Start > offset {
		return nil, errNowhere
	}
	return refs, nil
}

// errEnough ends a walk over a block.
var errEnough = errors.New("enough")

// takeBlock copies the batches from r.Next on out of a block. Each is verified
// first: objects carry no checksum of their own.
func (s *Stream) takeBlock(r *Read, id int64, entry object.IndexEntry, block []byte, maxBytes int, minOne bool) (bool, error) {
	e := s.engine
	buf := e.bufs.get(min(len(block), max(maxBytes, 0)))
	dst, next, records := buf.bytes[:0], r.Next, int64(0)
	err := object.ForEachBatch(id, entry, block, func(_ []byte, b object.RecordBatch) error {
		if b.EndOffset() <= next {
			return nil
		}
		if len(dst)+len(b.Payload) > maxBytes && !(minOne && len(dst) == 0) {
			return errEnough
		}
		if e.cfg.Verify != nil {
			if err := e.cfg.Verify(b); err != nil {
				return fmt.Errorf("object %d, batch at offset %d: %w", id, b.BaseOffset, err)
			}
		}
		dst = append(dst, b.Payload...)
		records += int64(b.Count)
		next = b.EndOffset()
		return nil
	})
	if len(dst) == 0 {
		e.bufs.put(buf)
		if errors.Is(err, errEnough) {
			return false, nil
		}
		return false, err
	}
	r.add(buf, dst, next)
	e.counters.objectRecords.Add(records)
	e.counters.objectBytes.Add(int64(len(dst)))
	if errors.Is(err, errEnough) {
		return false, nil
	}
	return err == nil, err
}

package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/logcache"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
)

// errNowhere: an offset between start and end is neither in the log cache nor
// in an object: a broken promise of rule 3.
var errNowhere = errors.New("offset is neither in the log cache nor in an object")

// Want says what a fetch should read: whole batches, from the one that holds
// Offset on, up to MaxBytes and the durable end.
type Want struct {
	Offset   int64
	MaxBytes int
	MinOne   bool // at least one batch, whatever its size
	// Reader tells several readers of a stream apart, for the prefetcher; 0
	// where nobody knows.
	Reader uint64
	// NoWait returns an empty Read that is Loading, rather than wait for an
	// object; what is needed of it is on its way then.
	NoWait bool
}

// Fetch reads for a reader without an identity; see FetchFor.
func (s *Stream) Fetch(ctx context.Context, offset int64, maxBytes int, minOne bool) (*Read, error) {
	return s.FetchFor(ctx, Want{Offset: offset, MaxBytes: maxBytes, MinOne: minOne})
}

// FetchFor reads what is wanted. At the durable end it returns an empty Read.
// The caller must Release the Read. It waits for one block at most: what lies
// behind is served if it is there, and begun to be loaded if it is not.
//
// What the log cache holds is copied out of it, under a pin that lasts as long
// as the copy: a slow consumer must not keep the ring from going round. Blocks
// of objects are lent, within a budget (see Read).
func (s *Stream) FetchFor(ctx context.Context, w Want) (*Read, error) {
	end, start := s.End(), s.Start()
	if w.Offset < start || w.Offset > end {
		return nil, fmt.Errorf("stream %d: offset %d, the stream has [%d, %d): %w", s.id, w.Offset, start, end, ErrOffsetOutOfRange)
	}
	// A load that fails is seen by none but those who wait for it.
	w.NoWait = w.NoWait && s.begun.Load() < mostBegun
	r := &Read{Next: w.Offset, pool: &s.engine.bufs}
	var err error
	for more := true; more && r.Next < end && (r.Bytes < w.MaxBytes || (w.MinOne && r.Bytes == 0)); {
		more, err = s.fetchSome(ctx, r, end, w)
	}
	// What need not be waited for comes with a later fetch: a block on its way,
	// or one for which there is no memory at the moment.
	if errors.Is(err, blockcache.ErrLoading) || errors.Is(err, blockcache.ErrBusy) {
		if r.Loading = r.Bytes == 0; r.Loading {
			s.begun.Add(1)
		}
		return r, nil
	}
	s.begun.Store(0)
	// After an error what was read before it is good; the error comes again
	// with the next fetch.
	if err != nil && r.Bytes == 0 {
		r.Release()
		return nil, fmt.Errorf("stream %d: fetch at offset %d: %w", s.id, r.Next, err)
	}
	return r, nil
}

// mostBegun is how often in a row a fetch of a stream may begin something and not
// wait for it.
const mostBegun = 1000

// fetchSome adds what one place holds of the stream at r.Next: the log cache,
// or one block of an object. It reports whether it added anything.
func (s *Stream) fetchSome(ctx context.Context, r *Read, limit int64, w Want) (bool, error) {
	e := s.engine
	// Only the first place may be waited for, and be asked for more than fits.
	w.MaxBytes, w.MinOne, w.NoWait = w.MaxBytes-r.Bytes, w.MinOne && r.Bytes == 0, w.NoWait || r.Bytes > 0
	sp := e.cache.Read(s.id, r.Next, limit, w.MaxBytes, w.MinOne)
	if sp.Found {
		s.take(r, sp)
		return len(sp.Payloads) > 0 && !sp.Enough, nil
	}
	for attempt := 0; ; attempt++ {
		more, err := s.fetchObject(ctx, r, w)
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
	r.own(buf, dst)
	r.Buffers = append(r.Buffers, dst)
	r.advance(len(dst), sp.Next)
	e.counters.cacheRecords.Add(sp.Records)
	e.counters.cacheBytes.Add(int64(sp.Bytes))
}

func release(blocks []*logcache.Block) {
	for _, b := range blocks {
		b.Release()
	}
}

// fetchObject adds batches from the one DataBlock (or group) that holds r.Next.
func (s *Stream) fetchObject(ctx context.Context, r *Read, w Want) (bool, error) {
	refs, err := s.locate(r.Next, w.Reader)
	if err != nil {
		return false, err
	}
	index, err := s.index(ctx, refs[0], w.NoWait)
	if err != nil {
		return false, err
	}
	// After an accepted loss an object's range may begin before its first
	// batch, so the entry is the first one that ends beyond the offset.
	i, _ := index.Find(s.id, r.Next)
	if i == len(index) || index[i].StreamID != s.id {
		return false, fmt.Errorf("object %d: %w", refs[0].ID, errNowhere)
	}
	block, err := s.engine.cfg.Blocks.Get(ctx, blockcache.Request{
		Object: refs[0], Entry: index[i], Reader: w.Reader, Following: refs[1:], Begin: w.NoWait,
	})
	if err != nil {
		return false, err
	}
	return s.takeBlock(r, block, index[i], w.MaxBytes, w.MinOne)
}

func (s *Stream) index(ctx context.Context, ref blockcache.ObjectRef, noWait bool) (object.Index, error) {
	if noWait {
		return s.engine.cfg.Blocks.TryIndex(ref)
	}
	return s.engine.cfg.Blocks.Index(ctx, ref)
}

// leastLent is the mean size of a block's batches from which they are lent, in
// bytes: an entry of a writev costs as much as to copy about that.
const leastLent = 2 << 10

// takeBlock adds the batches from r.Next on and ends the pin: the block is lent
// to the Read, or its batches are copied out. What the block cache has found to
// be bad ends the walk.
func (s *Stream) takeBlock(r *Read, block *blockcache.Block, entry object.IndexEntry, maxBytes int, minOne bool) (bool, error) {
	e := s.engine
	walk := walk{next: r.Next, maxBytes: maxBytes, minOne: minOne}
	cursor := block.Batches(r.Next)
	lent := int(entry.Size) >= leastLent*int(entry.BatchCount) && block.Lend()
	if lent {
		walk.slices = r.Buffers
		walk.run(cursor)
		r.lend(block, walk.slices, walk.bytes)
	} else {
		buf := e.bufs.get(min(int(entry.Size), max(maxBytes, 0)))
		walk.copied, walk.copies = buf.bytes[:0], true
		walk.run(cursor)
		r.own(buf, walk.copied)
		if walk.bytes > 0 {
			r.Buffers = append(r.Buffers, walk.copied)
		}
	}
	if walk.ended {
		block.Finish()
	}
	if !lent {
		block.Release()
	}
	r.advance(walk.bytes, walk.next)
	e.counters.objectRecords.Add(walk.records)
	e.counters.objectBytes.Add(int64(walk.bytes))
	return walk.ended && walk.bytes > 0, walk.err
}

// walk collects batches out of a block, as slices of it or as copies.
type walk struct {
	maxBytes int
	minOne   bool
	copies   bool
	slices   [][]byte
	copied   []byte

	bytes   int
	records int64
	next    int64 // offset
	ended   bool  // the block ended, rather than the room
	err     error // why it ended before
}

func (w *walk) run(c blockcache.Cursor) {
	for {
		b, ok, err := c.Next()
		if !ok {
			w.ended, w.err = err == nil, err
			return
		}
		if w.bytes+len(b.Payload) > w.maxBytes && !(w.minOne && w.bytes == 0) {
			return
		}
		if w.copies {
			w.copied = append(w.copied, b.Payload...)
		} else {
			w.slices = append(w.slices, b.Payload)
		}
		w.bytes += len(b.Payload)
		w.records += int64(b.Count)
		w.next = b.EndOffset()
	}
}

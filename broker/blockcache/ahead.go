package blockcache

import (
	"cmp"
	"slices"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/cacheexp/trace"
)

// indexesAhead is how many of the following objects have their index fetched
// when the prefetcher wants to see further than the cached indexes reach. A
// stream of little traffic has one block in each object: fetching one index at
// a time would make each object wait for two GETs in turn.
const indexesAhead = 4

// ahead shows the prefetcher what follows a block, out of the indexes that are
// cached: the rest of the object's own, then the following objects'. It is
// scratch of one call under the cache's lock.
type ahead struct {
	cache  *Cache
	stream int64
	offset int64 // where the next block should begin
	cur    ObjectRef
	begun  bool         // index and at are set; most calls of a prefetcher never ask
	index  object.Index // of cur; nil: nothing is known
	at     int          // the next entry in index
	rest   []ObjectRef  // objects after cur
	blind  bool         // it was asked for more than the cached indexes tell
	shown  []candidate
	found  int // where find goes on in shown
}

func (a *ahead) reset(c *Cache, r Request) {
	shown := a.shown[:0]
	*a = ahead{cache: c, stream: r.Entry.StreamID, offset: r.Entry.EndOffset(), cur: r.Object, rest: r.Following, shown: shown}
}

// enter goes to an object's index, at the entry that holds the next offset or
// the first one after it.
func (a *ahead) enter(o ObjectRef) {
	a.begun, a.cur, a.index = true, o, a.cache.peekIndex(o.ID)
	a.at, _ = a.index.Find(a.stream, a.offset)
}

// Next returns the block after the ones it has returned so far.
func (a *ahead) Next(i int) (prefetch.Block, bool) {
	for len(a.shown) < i {
		e, ok := a.step()
		if !ok {
			return prefetch.Block{}, false
		}
		a.offset = e.EndOffset()
		a.shown = append(a.shown, candidate{a.cur, e})
	}
	return a.shown[i-1].named(), true
}

// Around shows the blocks of the object itself. A prefetcher that asks for them
// asks for no Next.
func (a *ahead) Around(first, end int64, dst []prefetch.Block) []prefetch.Block {
	before := len(a.shown)
	for _, e := range a.cache.peekIndex(a.cur.ID) {
		if e.Position >= first && e.Position < end {
			a.shown = append(a.shown, candidate{a.cur, e})
		}
	}
	slices.SortFunc(a.shown[before:], func(x, y candidate) int { return cmp.Compare(x.entry.Position, y.entry.Position) })
	for _, s := range a.shown[before:] {
		dst = append(dst, s.named())
	}
	return dst
}

// step finds the stream's next entry, going from object to object.
func (a *ahead) step() (object.IndexEntry, bool) {
	if !a.begun {
		a.enter(a.cur)
	}
	for {
		if a.at < len(a.index) && a.index[a.at].StreamID == a.stream {
			a.at++
			return a.index[a.at-1], true
		}
		if len(a.rest) == 0 {
			return object.IndexEntry{}, false
		}
		if a.cache.peekIndex(a.rest[0].ID) == nil {
			a.blind = true
			return object.IndexEntry{}, false
		}
		next := a.rest[0]
		a.rest = a.rest[1:]
		a.enter(next)
	}
}

// find returns the candidate that a proposed block stands for. Proposals come
// in the order in which they were shown.
func (a *ahead) find(b prefetch.Block) (candidate, bool) {
	for i := a.found; i < len(a.shown); i++ {
		if s := a.shown[i]; s.object.ID == b.Object && s.entry.Position == b.Position {
			a.found = i + 1
			return s, true
		}
	}
	return candidate{}, false
}

// look asks the prefetcher what should come next and queues it. What belongs
// into the GET of a block that is about to be loaded (own; nil: it is there, or
// on its way) is begun with it; the result is what that GET has to bring.
func (c *Cache) look(r Request, own *Block, hit, late bool) []*Block {
	c.view.reset(c, r)
	e := r.Entry
	block := prefetch.Block{Object: r.Object.ID, Position: e.Position, Size: e.Size}
	c.plan = c.cfg.Prefetch.Access(prefetch.Access{
		Reader: prefetch.Reader{Stream: e.StreamID, ID: r.Reader},
		Block:  block,
		Start:  e.StartOffset,
		End:    e.EndOffset(),
		Hit:    hit,
		Late:   late,
		Now:    c.cfg.Clock(),
		GET:    c.tail.P99(),
		Room:   c.queue.Promised(),
	}, &c.view, c.plan[:0])
	c.chosen = c.chosen[:0]
	for _, b := range c.plan {
		if s, ok := c.view.find(b); ok {
			c.chosen = append(c.chosen, s)
		}
	}
	load := c.join(own, block)
	for i, s := range c.chosen {
		c.enqueue(s, i == 0)
	}
	if c.view.blind {
		c.prefetchIndexes(c.view.rest)
	}
	c.view.rest = nil // the caller's slice is not kept
	return load
}

// join makes the load of a block that was missed, with what is chosen and belongs
// into it.
func (c *Cache) join(own *Block, named prefetch.Block) []*Block {
	if own == nil {
		return nil
	}
	load := []*Block{own}
	if !prefetch.Joins(c.cfg.Prefetch) || len(c.chosen) == 0 {
		return load
	}
	// Outwards from the block, so that what there is memory for reaches up to it.
	before, behind := c.beside(named, c.chosen)
	slices.Reverse(before)
	begun := c.beginRun(before, nil)
	slices.Reverse(begun)
	return append(append(begun, load...), c.beginRun(behind, nil)...)
}

// Prefetch queues blocks of an object that are not cached to be loaded, in
// order. It waits for nothing; what finds no room is dropped and counted.
func (c *Cache) Prefetch(ref ObjectRef, entries ...object.IndexEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, e := range entries {
		if (Request{Object: ref, Entry: e}).check() == nil && !c.closed {
			c.enqueue(candidate{ref, e}, i == 0)
		}
	}
	c.pump()
}

// mayPrefetch takes a place among the prefetch loads in flight. There is none
// while readers' own loads have to queue: prefetching comes after them.
func (c *Cache) mayPrefetch() bool {
	if c.closed || c.prefetching >= c.cfg.MaxPrefetch || c.waiting >= c.cfg.MaxLoads {
		return false
	}
	c.prefetching++
	return true
}

// prefetchIndexes begins to load the next objects' indexes.
func (c *Cache) prefetchIndexes(refs []ObjectRef) {
	for _, ref := range refs[:min(len(refs), indexesAhead)] {
		if c.indexes[ref.ID] != nil || ref.checkIndex() != nil {
			continue
		}
		if !c.mayPrefetch() {
			c.n.prefetchDropped.Add(1)
			return
		}
		c.recordIndex(trace.IndexPrefetch, ref)
		l := c.beginIndex(ref.ID)
		l.rising = newRising()
		c.loads.Go(func() {
			err := c.loadIndex(l.rising.of(c.ahead), l, ref)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.prefetching--
			c.finishIndex(l, ref.ID, err)
			c.pump()
		})
	}
}

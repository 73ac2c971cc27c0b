package blockcache

import "sync/atomic"

// counters only grow.
type counters struct {
	hits, misses, loads, loadedBytes, loadErrors, corrupt atomic.Int64
	evictions, rescues, pinWaits, busy, uncached          atomic.Int64
	prefetches, prefetchedBlocks, prefetchedBytes         atomic.Int64
	prefetchDropped, lendRefused, behind, behindMissed    atomic.Int64
	prefetchUsed, prefetchLate, prefetchWasted            atomic.Int64
	indexHits, indexMisses, indexLoads, indexEvictions    atomic.Int64
	indexLoadedBytes                                      atomic.Int64
}

// Stats is a snapshot. Counts grow from 0 at New; the fields from Resident on
// are of the moment.
type Stats struct {
	Hits        int64 // requests for a block that was there or on its way
	Misses      int64 // requests that began a load
	Loads       int64 // GETs for readers
	LoadedBytes int64 // by Loads and Prefetches that succeeded
	LoadErrors  int64 // GETs that failed, prefetches included
	Corrupt     int64 // GETs that brought something else than the index says
	Uncached    int64 // blocks larger than the cache, read into memory of their own
	Evictions   int64 // blocks that the policy sent away
	Rescues     int64 // evicted blocks that came back because a reader still held them
	PinWaits    int64 // times a reader waited for pinned memory
	Busy        int64 // requests refused with ErrBusy

	Prefetches       int64 // GETs of blocks ahead of readers
	PrefetchedBlocks int64 // what these GETs were to bring; adjacent blocks share one
	PrefetchedBytes  int64
	PrefetchDropped  int64 // proposals that found no room
	PrefetchUsed     int64 // prefetched blocks that a reader asked for
	PrefetchLate     int64 // of these, asked for while still on their way
	PrefetchWasted   int64 // prefetched blocks that went unread

	LendRefused  int64 // blocks that were not lent because too much was
	Behind       int64 // blocks that left early because their one reader had read them
	BehindMissed int64 // of these, asked for again

	IndexHits, IndexMisses, IndexLoads, IndexEvictions int64
	IndexLoadedBytes                                   int64 // asked for by IndexLoads, failed ones included

	Resident    int64 // bytes of slots the policy holds, loading ones included
	InUse       int64 // bytes of slots in use, pinned evicted ones included
	Mapped      int64 // bytes of memory with pages, unused slots included
	Blocks      int64 // blocks in the cache or pinned
	IndexBytes  int64 // bytes of decoded indexes
	Prefetching int64 // prefetch GETs in flight
	Ahead       int64 // bytes of slots loaded ahead and unread, or to be loaded
	Lent        int64 // bytes of slots that are lent
	Read        int64 // bytes of slots that are kept of what one reader has read
}

// Stats returns the counters and gauges.
func (c *Cache) Stats() Stats {
	n := &c.n
	s := Stats{
		Hits: n.hits.Load(), Misses: n.misses.Load(), Loads: n.loads.Load(), LoadedBytes: n.loadedBytes.Load(),
		LoadErrors: n.loadErrors.Load(), Corrupt: n.corrupt.Load(), Evictions: n.evictions.Load(),
		Rescues: n.rescues.Load(), PinWaits: n.pinWaits.Load(), Busy: n.busy.Load(), Uncached: n.uncached.Load(),
		LendRefused: n.lendRefused.Load(), Behind: n.behind.Load(), BehindMissed: n.behindMissed.Load(),
		Prefetches: n.prefetches.Load(), PrefetchedBlocks: n.prefetchedBlocks.Load(), PrefetchedBytes: n.prefetchedBytes.Load(),
		PrefetchDropped: n.prefetchDropped.Load(), PrefetchUsed: n.prefetchUsed.Load(),
		PrefetchLate: n.prefetchLate.Load(), PrefetchWasted: n.prefetchWasted.Load(),
		IndexHits: n.indexHits.Load(), IndexMisses: n.indexMisses.Load(),
		IndexLoads: n.indexLoads.Load(), IndexEvictions: n.indexEvictions.Load(),
		IndexLoadedBytes: n.indexLoadedBytes.Load(),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Resident, s.InUse, s.Mapped = c.policy.Used(), c.slots.inUse, c.slots.resident
	s.Blocks, s.IndexBytes, s.Prefetching = int64(len(c.blocks)), c.indexOrder.Used(), int64(c.prefetching)
	s.Ahead, s.Lent, s.Read = c.queue.Bytes(), c.lent, c.behind.bytes
	return s
}

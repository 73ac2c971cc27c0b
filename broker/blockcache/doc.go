// Package blockcache keeps DataBlocks of objects in memory off the Go heap,
// and decoded indexes beside them.
//
//	Get ─▶ map ─ hit ──────────────────────────▶ pinned *Block
//	        │ miss: make room (policy), take a slot
//	        └▶ load: ONE ranged GET into the slot, checked ─▶ everybody who waits
//	Get ─▶ prefetcher: what comes next? ─▶ queue ─▶ loads of a pool of their own
//	*Block ─▶ Batches ─▶ copied, Release; or Lend, sent, Return
//
// # One miss, one GET
//
// A block stands in the map from the moment its load begins. Whoever asks for
// it meanwhile waits for that load. The load belongs to the cache, not to the
// reader that caused it: a reader that gives up leaves it running for the
// others. A load that failed, or brought bytes that are not the block its
// index entry describes, leaves nothing behind; its error goes to those who
// waited and the next reader tries again.
//
// # Checked once
//
// A load holds the block against its index entry, has each batch verified, and
// notes where batches begin (table.go). A block with a bad batch serves those
// before it to whoever waits, and is not kept.
//
// # Ahead and behind
//
// What the prefetcher proposes waits in a queue until a GET may begin (prefetch.Queue);
// adjacent blocks share one. Loaded, queued and unread together it is bounded by
// AheadSize. What was loaded ahead and read to its end by its one reader leaves
// before the policy would send it away (behind.go).
//
// # Memory
//
// A block lives in a slot of one of some size classes, eight for each doubling
// (slots.go). Slots in use never take more than Size + PinnedSize together:
//
//	├──────────────── Size ────────────────┼──── PinnedSize ────┤
//	│ resident and loading: the policy's   │ evicted, but still  │
//	│                                      │ pinned by a reader  │
//
// The policy does not know about pins. It evicts a pinned block like any
// other, which keeps its decisions the same as in a simulator; the bytes go
// when the last reader releases them, and a reader who asks for such a block
// before gets it back without a GET. When pinned blocks fill everything, a
// reader waits until one is released, or is refused with ErrBusy if it says
// NoWait. To stay clear of deadlock, a reader that holds a block already MUST
// say NoWait for the next one and serve what it has when it is refused.
package blockcache

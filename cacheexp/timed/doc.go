// Package timed replays a trace against a cache, a prefetcher and a store that
// takes time, in virtual time.
//
//	trace ─▶ readers ─ one access at a time each ─▶ cache (policy.Policy)
//	              ▲                                   │ miss      │ hit
//	              └──── waits ── GET done ◀─ loads ◀──┤           └▶ served at once
//	                                            ▲     ▼
//	                         storetime.Queue ───┘  Prefetcher ─▶ prefetch.Queue ─▶ GETs
//	shadow cache: the same accesses, policy and capacity, and no prefetcher
//
// It does what broker/blockcache does with policies, prefetchers and GETs: a
// block stands in the cache from the moment its GET begins; what is on its way is
// waited for and not got twice; reads ahead wait in the same queue, have the same
// bounds and make way for readers; misses that wait for a GET and are adjacent
// share one. What is left out is said here: indexes (always known, no GET of
// their own), memory that readers pin, blocks that leave behind their reader, and
// the time of a hit.
//
// An access begins at its time in the trace, or when the reader's one before has
// been served, if that is later: a store that is too slow makes a reader fall
// behind, and what it waits is counted in every access. Accesses of readers that
// fell behind are held, a bounded number of them; beyond it the whole trace waits.
//
// What follows a block is known from the trace itself: a Catalog of its blocks is
// made first. It takes about 150 bytes for each distinct block and, with the caches, is the only
// thing that grows with the trace. So a block that nobody asked for does not
// exist here, and reading beyond where the last reader stopped costs nothing; a
// recording of a broker has what the broker itself read too far.
//
// Everything is a function of trace, configuration and seed.
package timed

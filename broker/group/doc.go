// Package group coordinates consumer groups: the classic protocol, in which
// members join, one of them (the leader) assigns partitions to all, and every
// change of membership starts a new generation.
//
//	         join                  all joined, or time is up        leader syncs
//	Empty ────────▶ PreparingRebalance ─────────▶ CompletingRebalance ─────────▶ Stable
//	  ▲                ▲   │ nobody is left            │ join, leave, death         │
//	  └────────────────┼───┘                           │                            │
//	                   └───────────────────────────────┴────────────────────────────┘
//
// Membership is in memory: after a restart members are told UNKNOWN_MEMBER_ID
// and join again. Committed offsets are in a log, the partition
// __consumer_offsets-0, which is a stream like any other, in Kafka's own
// record format:
//
//	key    version 1 (2) · group · topic · partition (4)
//	value  version 3 (2) · offset (8) · leader epoch (4) · metadata · commit time ms (8)
//	       version 1 (2) · offset (8) · metadata · commit time ms (8) · expiry ms (8)
//	       null: the offset was deleted
//
// What replaying the log costs is bounded: when enough was appended since the
// last snapshot, all live offsets are appended once more, and the log is
// trimmed to where that snapshot starts. Each step can be cut short: half a
// snapshot repeats what the log says already, and a snapshot that the trim did
// not follow is replayed after the records that it repeats.
//
// Locks are taken in this order: the log's writer, one group, the map of
// groups. None of the last two is held while anything waits.
package group

// Package raftmeta runs the metadata's state machine under raft (hashicorp/raft
// with raft-boltdb). A Node is a meta.Controller. A broker alone has a quorum of
// one in its own process; three of them are the same code with a Listen address.
//
//	Propose ─▶ raft log ─▶ latch ─▶ bbolt: one fsync'd transaction per group of proposals
//	              │ committed
//	              ▼
//	             fsm ─▶ meta.Machine ─▶ change log ─▶ Follow (replicas)
//	              │
//	              └──▶ snapshots (files, CRC-64, fsync'd, the last two)
//
// In the directory: raft.db (log, term and vote) and snapshots/. An entry of
// the log is
//
//	@0 CRC-32C of what follows (4, big-endian) · @4 command as JSON
//
// because bbolt checksums its two meta pages only. Opening reads every entry and
// the newest snapshot, so that damage is a message and not a wrong state.
//
// What may surprise:
//
//   - The first failed write of the log latches it, as rule 6 wants. raft itself
//     would step down, elect itself again and go on appending.
//   - raft panics when it cannot save its term. The latch ends raft's goroutine
//     instead (latch.halt), and Failed reports why.
//   - raft leaves futures unanswered when it shuts down, so nothing here waits
//     for a future alone.
package raftmeta

// Package meta is the cluster's metadata as a pure state machine: which nodes
// there are, which topics, which streams stand behind their partitions, and in
// which objects the offsets of each stream lie. It does no I/O, reads no clock
// and draws no random number; times and ids come in with the commands, so that
// every copy that applies the same commands ends in the same state.
//
//	Command ──Controller.Propose──▶ State.Apply(index, command)      one log, one order
//	                                  │ refused: error, nothing changed
//	                                  ▼
//	                       Result, []Change ──▶ change log (bounded)
//	                                  │                  │ Follow(after): changes, or an image
//	                                  ▼                  ▼
//	                            Image.Apply         Replica (one per broker): reads, Watch, WaitFor
//
// A command is a request and may be refused; a change is a fact and may not.
// State holds the rules and an Image; the Image holds the facts and knows no
// rule. A broker reads its Replica only, and learns the outcome of its own
// command from Replica.Propose, which returns once the replica has applied it.
//
// What may surprise:
//
//   - A stream is open for a NODE. The node epoch fences a process, not the
//     stream: a node that registers again gets a larger epoch, its streams stay
//     open, and recovery commits to them under the new epoch and the stream
//     epoch they had. Only OpenStream, which needs the node's WALOpened first,
//     moves them to the new registration, and that needs a larger stream epoch.
//   - Stream epoch = Kafka leader epoch. A new stream has 0, its first owner 1,
//     and every reopening, a restart of the same node included, one more.
//   - Deleting is two steps: Destroyed here, then bytes deleted, then forgotten.
//   - A commit that names a stream whose topic was deleted meanwhile succeeds
//     without it (Result.DroppedStreams): the upload is not repeated for it.
package meta

// Package shape shares a store between those who use it, by the class of their
// requests (objstore.Class):
//
//	append and upload > demand read > prefetch > compaction
//
// It wraps any Store, and bounds two things:
//
//	GetRange Head List ─▶ places for reads  ─▶ bandwidth in  ─▶ store
//	Put Delete         ─▶ places for writes ─▶ bandwidth out ─▶ store
//
// Places are requests in flight. Reads and writes have their own, so that
// catch-up readers cannot hold uploads up, nor the other way round. A request
// that finds no place waits in the queue of its class, and a place that becomes
// free goes to the first of the most urgent class that waits. Prefetch and
// compaction leave some places alone (see newGate): a request in flight cannot
// be called back, so those that may wait must not take them all.
//
// Bandwidth is a token bucket each way, shared in the same order. A read takes
// its bytes before it is made, a Put piece by piece, as its store calls
// objstore.Pace; so a small urgent request waits for one piece of a large one,
// not for all of it.
//
// A prefetch that a reader has come to wait for lines up anew, as a demand read
// (objstore.WithRising). Else nothing ages: while the urgent classes use all there is, compaction stands
// still. That is what its order means, and its counters show it.
package shape

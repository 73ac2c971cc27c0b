// Command s3ratio holds a broker that reads an S3 server against the bound for any: a
// bare aws-sdk reader of the same objects, with the same client at its end.
//
//	          GETs of whole blocks,          Kafka batches as they lie
//	          up to 8 MiB, 32 in flight      in the blocks, 1 MiB a fetch
//	versitygw ───────────▶ bin/tide broker ───────────▶ franz-go, verifying
//	    │     ───────────▶ the bare reader ───────────▶ the same
//	    └ a directory, in the page cache
//
// The bare reader copies nothing, checks nothing, evicts nothing, and knows
// before it begins what will be asked for: it has read all indexes, its slots
// are filled in order, and an answer is a writev out of them. What it cannot do
// without is what any broker needs: GETs through the SDK, and sockets. So its
// time is that of reading with such a client beside it, on the same processors.
//
// Both sides are measured in turn (ABBA), each in a new process with empty
// caches, on objects that one broker has written and nobody merges. The client
// is the suite's own, workloads/replay, at the usual priority.
//
// Children are started as tide's are, so that the program stands in for tide:
// `s3ratio broker` is the bare reader, `s3ratio replay` the client.
package main

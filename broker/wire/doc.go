// Package wire serves the Kafka protocol over TCP: listener, connection loop,
// limits, and one file per API key (00_produce.go, 01_fetch.go, …), each of
// which opens with its version notes and registers itself. To add a key, copy
// such a file; nothing else has to change.
//
// Every request and every answer is a frame:
//
//	request                                 answer
//	0   4  length of what follows           0  4  length of what follows
//	4   2  API key                          4  4  correlation id
//	6   2  version                          8  -  tags, when the version is flexible
//	8   4  correlation id                   -  -  body
//	12  2  length of client id, −1 null
//	14  n  client id
//	-   -  tags, when the version is flexible
//	-   -  body
//
// All integers are big-endian. A flexible version (KIP-482) has compact
// strings and arrays (an unsigned varint of length + 1) and ends each struct
// with tags. ApiVersions is the exception: its answer never has header tags,
// because a client reads it before it knows what the broker can do.
//
// # A connection
//
//	reader    read → parse every whole frame → dispatch all → lead the WAL commit → flush
//	answers   a FIFO in request order; an entry is sent once it and all before it are ready
//	writer    sleeps until an answer became ready behind the reader's back, then flushes
//
// The reader runs requests to completion on its own goroutine. Fetch,
// JoinGroup and SyncGroup may block it, which is what Kafka does too when it
// mutes a channel. Produce never does: its answer becomes ready when the WAL's
// reaper runs the done callbacks. These only store the result and wake the
// writer; they never touch a socket. Whoever flushes sends all ready answers
// in one writev, record bytes straight out of the caches.
//
// # What may surprise
//
//   - A generated decoder only ever sees a body that was walked along its shape
//     (shape.go): by itself it believes any number of tags or array elements.
//   - The reader commits before every request that is not Produce, and before an
//     append that has to wait (deadline.go): what it waits for may be its own.
//   - An answer with acks 0 is not in the FIFO. Its error closes the connection.
//   - Fetch answers what has changed (fetch_session.go): a partition in whose
//     place nothing happens is neither in the request, nor looked at, nor in the
//     answer. So whatever a client is to hear of must signal who watches.
//   - Slices of a request alias the read buffer until its handler returns; names
//     that an answer needs are copied into it.
//   - Large frames lie outside the Go heap, one in a buffer of its own, and take
//     their share of Limits.BufferedBytes as a whole before they are read; pages
//     only as their bytes arrive.
package wire

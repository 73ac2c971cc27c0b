// Package load puts an honest load on any Kafka broker and checks what comes
// back. It imports nothing of the broker.
//
// # Open loop
//
// Every send has an intended time that is a pure function of its number
// (Schedule); it is never moved because an earlier send was late. A thread
// that belongs to the pacer alone sleeps with clock_nanosleep up to an
// absolute time. Go's own timers were tried and dropped: on an idle P they
// round waits below a millisecond up to a millisecond or more.
//
// For each record four times are kept, in nanoseconds of one Clock:
//
//	intended ──delay──▶ sent ──────── service ─────────▶ acknowledged
//	    │                                                      │
//	    └────────────────────── response ──────────────────────┘
//
// Response is the one to quote. "client" is the part of service that passed
// before the record's request was written: service less the round trip of the
// last produce response read before the acknowledgement ran. With several
// requests in flight this takes a neighbour's round trip now and then.
// A consumer records e2e.response = received − intended and e2e.service =
// received − sent.
//
// # The value of a record
//
//	 0        4        8        12       16                24
//	┌────────┬────────┬────────┬────────┬─────────────────┐
//	│ "TdL1" │ CRC-32C│producer│partitn │ sequence        │
//	├────────┴────────┼────────┴────────┼─────────────────┘
//	│ intended ns     │ sent ns         │ payload, pseudo-random from the seed …
//	└─────────────────┴─────────────────┴──────────────────
//	24                32                40
//
// All little-endian. The CRC covers everything behind it. Partition counts
// over all topics; the sequence is dense per producer and partition, so that a
// reader with one number per pair sees every loss, repeat and swap.
//
// # What is verified
//
// An acknowledged record is in the log exactly once, in the order in which its
// producer sent it to that partition, with its CRC intact. A record whose
// outcome is unknown (the producer gave up) is there at most once. The same
// offset delivered again to a consumer group is a redelivery, counted but no
// fault: that is the group's contract.
package load

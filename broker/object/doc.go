// Package object encodes and decodes the objects that hold a stream's records
// once they have left the write-ahead log. It is pure: bytes in, bytes out, no
// I/O and no clock. docs/FORMAT.md has the same layout in prose.
//
// An object is DataBlocks, one IndexBlock and a Footer, back to back:
//
//	0                                                              size
//	├ DataBlock ┼ DataBlock ┼ … ┼ IndexBlock ─────────┼ Footer ───────┤
//	            ▲               ▲ 36 bytes an entry    │ 48 bytes
//	            │               └──────────────────────┘ position, length
//	            └ an index entry: stream, offsets, position, size
//
// DataBlock, batches of ONE stream behind a 10-byte header:
//
//	0      1       2              6              10
//	┌──────┬───────┬──────────────┬──────────────┬─────────┬─────────┬───
//	│ 0x5A │ 0x02  │ batch count  │ data length  │ batch   │ batch   │ …
//	└──────┴───────┴──────────────┴──────────────┴─────────┴─────────┴───
//
// Stream record batch, the unit that the WAL and the log cache carry too:
//
//	0      1          9        17           25      29         33
//	┌──────┬──────────┬────────┬────────────┬───────┬──────────┬─────────
//	│ 0x22 │ streamId │ epoch  │ baseOffset │ count │ length n │ n bytes
//	└──────┴──────────┴────────┴────────────┴───────┴──────────┴─────────
//
// IndexBlock entry, sorted by (streamId, startOffset):
//
//	0          8             16               20            24         32     36
//	┌──────────┬─────────────┬────────────────┬─────────────┬──────────┬──────┐
//	│ streamId │ startOffset │ endOffsetDelta │ batch count │ position │ size │
//	└──────────┴─────────────┴────────────────┴─────────────┴──────────┴──────┘
//
// Footer:
//
//	0                8              12              40                   48
//	┌────────────────┬──────────────┬───────────────┬────────────────────┐
//	│ index position │ index length │ 28 zero bytes │ 0x88e241b785f4cff7 │
//	└────────────────┴──────────────┴───────────────┴────────────────────┘
//
// Every integer is big-endian and signed. The format is byte-compatible with
// AutoMQ's, so each side's tools read the other's objects.
//
// An offset is a logical position in a stream, a position a byte position in
// the object. The format has no checksum: stores check what they carry, and
// the Kafka batch inside the payload has a CRC of its own, checked by whoever
// serves it. What this package promises is that broken bytes end in
// ErrCorrupt, never in a panic and never in an allocation of a length that
// was not checked against the bytes at hand.
package object

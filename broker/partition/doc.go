// Package partition is a Kafka partition over a stream: it checks what
// producers send, drops their duplicates, and finds offsets by time and by
// leader epoch. Offsets of the stream are Kafka's offsets; one entry of the
// stream is one Kafka record batch, kept byte for byte as it was sent except
// for two fields that lie outside its checksum, and for a largest time (max
// time) that is not its records', which is corrected.
//
// A record batch, magic 2, big-endian:
//
//	 0        8       12       16  17      21    23       27
//	┌─────────┬────────┬────────┬───┬───────┬─────┬────────┬──────────────┐
//	│ base    │ length │ leader │ 2 │ CRC-  │attr │ last Δ │ base time ms │…
//	│ offset* │ (−12)  │ epoch* │   │ 32C   │     │ offset │              │
//	└─────────┴────────┴────────┴───┴───────┴─────┴────────┴──────────────┘
//	  35             43           51      53       57      61
//	…┌──────────────┬────────────┬───────┬────────┬────────┬─────────────┐
//	 │ max time ms  │ producer   │ prod. │ base   │ count  │ records,    │
//	 │              │ id         │ epoch │ seq.   │        │ compressed? │
//	 └──────────────┴────────────┴───────┴────────┴────────┴─────────────┘
//
// The CRC covers everything from attr on, so the fields marked * are patched
// in place. attr: bits 0–2 compression (none, gzip, snappy, lz4, zstd), 3
// timestamps are the broker's, 4 transactional, 5 control.
//
// A record: varint length, then attributes (1), varlong Δtime, varint Δoffset,
// varint key length (−1: null), key, varint value length, value, varint count
// of headers, each varint key length, key, varint value length, value.
//
// What a partition remembers beside its data (sequences of producers, starts
// of leader epochs) is a pure fold over batch headers; see state.go. The
// broker serves from the fold of what it appended, and the uploader commits
// the fold of what it uploaded, with the same code: so what is known after a
// crash is what was known at exactly the committed end (rule 7).
package partition

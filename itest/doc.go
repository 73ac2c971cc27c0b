// Package itest drives the real binary from outside, as users do: it starts
// bin/tide as a process and talks to it through other people's clients, raw
// TCP and signals. Only TestStore looks inside: it puts objstore/s3 through the
// suite of all stores, against other people's S3 servers, and the tests of pages
// make those of results that no run has to be waited for.
//
//	kcat          list, produce, consume, groups, every codec
//	clients       broker/clienttest/{python,node,java}: one scenario each
//	kill9         a process killed at random points, 20 rounds, one seed
//	S3            the store over a real server; the broker while that is dead,
//	              silent, slow, resets, cuts bodies or answers 503
//	phases        tide bench, with a catch-up, a compaction and a kill -9 while it produces
//	reports       chromium opens each kind of page: console, canvas, zoom, picker
//	report        what tide report exports, read by DuckDB, pandas and benchstat
//	rivals        tide bench with Apache Kafka, stock and tiered, and without a Java
//	s3ratio       a package of its own: the broker against a bare reader of S3
//	bad input     malformed frames and requests; what a broker must refuse to start on
//
// `make itest` builds the binary first. With -against HOST:PORT the client
// scenarios run against any other Kafka instead: a scenario that Apache Kafka
// itself fails judges nothing.
package itest

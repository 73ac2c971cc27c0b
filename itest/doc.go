// Package itest drives the real binary from outside, as users do: it starts
// bin/tide as a process and talks to it through other people's clients, raw
// TCP and signals. Nothing of the broker is imported.
//
//	kcat          list, produce, consume, groups, every codec
//	clients       broker/clienttest/{python,node,java}: one scenario each
//	kill9         a process killed at random points, 20 rounds, one seed
//	bad input     malformed frames and requests; what a broker must refuse to start on
//
// `make itest` builds the binary first. With -against HOST:PORT the client
// scenarios run against any other Kafka instead: a scenario that Apache Kafka
// itself fails judges nothing.
package itest

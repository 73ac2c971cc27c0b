package load

import (
	"errors"
	"fmt"
	"time"
)

// Config is one load. The zero value of a field means its default; Validate
// reports every fault at once.
type Config struct {
	// Brokers are the HOST:PORT addresses to start from. Required.
	Brokers []string
	// Topic is the name of the topic, or with Topics > 1 the stem to which
	// -0, -1 … is added. Required.
	Topic string
	// Topics is their number. Default 1.
	Topics int
	// Partitions of each topic. Default 16.
	Partitions int
	// Producers is the number of producing clients, each with a connection of
	// its own. Default 4.
	Producers int
	// Consumers is the number of tailing clients, which share the partitions.
	// Default 1; -1 for none.
	Consumers int
	// Group is the consumer group of the tailing clients. Empty: partitions are
	// assigned by this package and no group is used.
	Group string
	// Rate is sends per second, all producers together. Required unless Closed.
	Rate int64
	// Closed sends as fast as InFlight allows, in place of Rate.
	Closed bool
	// MaxRecords ends a closed loop early, once as many were sent by all
	// producers together. Default 0: time alone ends it.
	MaxRecords int64
	// ValueSize of a record in bytes, header included. Default 1024, at least
	// HeaderSize.
	ValueSize int
	// Acks is "all" (the default: idempotent producers) or "1" (not idempotent:
	// a retry may then repeat a record, which is reported as a duplicate).
	Acks string
	// Linger is how long a client waits for a batch to fill. Default 0; it is
	// always set, because franz-go's own default is 10 ms.
	Linger time.Duration
	// BatchBytes is the largest batch of one partition. Default 1 MiB less the
	// overhead of a batch, Kafka's own limit.
	BatchBytes int
	// InFlight is the most bytes of values a producer may have unacknowledged,
	// in its buffer and on the wire; a send beyond it waits, and the wait is
	// part of its delay. Default: 32 MiB in closed loop, 64 MiB in open loop.
	InFlight int
	// Seed of the payload. Default 1.
	Seed uint64
}

// withDefaults fills what was left zero.
func (c Config) withDefaults() Config {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&c.Topics, 1)
	def(&c.Partitions, 16)
	def(&c.Producers, 4)
	def(&c.Consumers, 1)
	def(&c.ValueSize, 1024)
	def(&c.BatchBytes, 1_000_012)
	if c.Closed {
		def(&c.InFlight, 32<<20)
	}
	def(&c.InFlight, 64<<20)
	if c.Acks == "" {
		c.Acks = "all"
	}
	if c.Seed == 0 {
		c.Seed = 1
	}
	return c
}

// Validate reports every fault, each with its bound.
func (c Config) Validate() error {
	var errs []error
	bad := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	within := func(name string, v, lo, hi int) {
		bad(v >= lo && v <= hi, "%s is %d, want %d to %d", name, v, lo, hi)
	}
	bad(len(c.Brokers) > 0, "no broker address given")
	bad(c.Topic != "", "no topic named")
	within("topics", c.Topics, 1, 10_000)
	within("partitions", c.Partitions, 1, 100_000)
	within("topics × partitions", c.Topics*c.Partitions, 1, 100_000)
	within("producers", c.Producers, 1, 10_000)
	within("consumers", c.Consumers, -1, 10_000)
	within("value size", c.ValueSize, HeaderSize, 16<<20)
	within("batch bytes", c.BatchBytes, c.ValueSize+128, 64<<20)
	within("bytes in flight", c.InFlight, c.ValueSize, 4<<30)
	bad(c.Closed || c.Rate > 0, "rate is %d sends/s, want more than 0 (or a closed loop)", c.Rate)
	bad(!c.Closed || c.Rate == 0, "a closed loop has no rate, but %d sends/s is set", c.Rate)
	bad(c.MaxRecords >= 0 && (c.Closed || c.MaxRecords == 0), "max records is %d, want 0 or, in a closed loop, more", c.MaxRecords)
	bad(c.Rate <= 10_000_000, "rate is %d sends/s, want at most 10000000", c.Rate)
	bad(c.Acks == "all" || c.Acks == "1", "acks is %q, want all or 1: what is never acknowledged cannot be verified", c.Acks)
	bad(c.Linger >= 0 && c.Linger <= time.Minute, "linger is %v, want 0 to 1m", c.Linger)
	return errors.Join(errs...)
}

// Cells is the number of partitions over all topics.
func (c Config) cells() int { return c.Topics * c.Partitions }

// topicName of topic i.
func (c Config) topicName(i int) string {
	if c.Topics == 1 {
		return c.Topic
	}
	return fmt.Sprintf("%s-%d", c.Topic, i)
}

package load

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Config is one load. The zero value of a field means its default; Validate
// reports every fault at once. The fields down to Rate describe one group of
// topics that are alike; Groups, when it is set, takes their place.
type Config struct {
	// Brokers are the HOST:PORT addresses to start from. Required.
	Brokers []string
	// Topic is the name of the topic, or with several topics the stem to which
	// -0, -1 … is added. Required.
	Topic string
	// Topics is their number. Default 1.
	Topics int
	// Partitions of each topic. Default 16.
	Partitions int
	// Producers of each topic. Default 4.
	Producers int
	// Subscriptions of each topic: each reads all of it. Default 1.
	Subscriptions int
	// Consumers is the number of tailing clients of each subscription, which
	// share the topic's partitions. Default 1; -1 for none.
	Consumers int
	// ValueSize of a record in bytes, header included. Default 1024, at least
	// HeaderSize.
	ValueSize int
	// Payload is what stands behind the header. Default: pseudo-random bytes.
	Payload Payload
	// Keys of the records. Default NoKey.
	Keys Keys
	// Rate is sends per second, all producers together. Required unless Closed
	// or Curve.
	Rate int64
	// Curve is the rate over time, in place of Rate.
	Curve Curve
	// Groups of topics, in place of the fields from Topics to Curve. The
	// defaults of those hold for each; a Rate of 0 is then a group that is never
	// written to. After New it is always set.
	Groups []Group

	// Clients is the number of producing clients, each with connections of its
	// own, that the producers share. Default: one for each producer.
	Clients int
	// Group is the consumer group of the tailing clients; with several
	// subscriptions a number is added. Empty: partitions are assigned by this
	// package and no group is used.
	Group string
	// Closed sends as fast as InFlight allows, in place of a rate.
	Closed bool
	// MaxRecords ends a closed loop early, once as many were sent by all
	// producers together. Default 0: time alone ends it.
	MaxRecords int64
	// Acks is "all" (the default: idempotent producers) or "1" (not idempotent:
	// a retry may then repeat a record, which is reported as a duplicate).
	Acks string
	// Linger is how long a client waits for a batch to fill. Default 0; it is
	// always set, because franz-go's own default is 10 ms.
	Linger time.Duration
	// BatchBytes is the largest batch of one partition. Default 1 MiB less the
	// overhead of a batch, Kafka's own limit.
	BatchBytes int
	// Sticky is how many bytes of values a producer without keys sends to one
	// partition before it turns to the next, as Kafka's own clients do with
	// batch.size. Default 0: every record goes to the next partition.
	Sticky int
	// Codec compresses batches: none (the default), gzip, snappy, lz4 or zstd.
	Codec string
	// InFlight is the most bytes of values a client may have unacknowledged,
	// in its buffer and on the wire; a send beyond it waits, and the wait is
	// part of its delay. Default: 32 MiB in closed loop, 64 MiB in open loop,
	// and less where all clients together would then hold more than 2 GiB.
	InFlight int
	// OneInFlight lets an idempotent client have one produce request on its way
	// at a time, in place of five. Not with zstd.
	OneInFlight bool
	// Replicas of each partition. Default 1.
	Replicas int
	// TopicConfig is what topics are created with, such as retention.ms.
	TopicConfig map[string]string
	// Common, Producing and Consuming are settings of the clients that have no
	// field here; they come after those that have.
	// Grouped are those of consuming clients that are in a group.
	Common, Producing, Consuming, Grouped []kgo.Opt
	// Seed of payloads and keys. Default 1.
	Seed uint64
}

// Group is topics that are alike.
type Group struct {
	Name          string // part of the topics' names; each of several groups needs its own
	Partitions    []int  // of each topic, so that its length is the number of topics
	Producers     []int  // of each topic
	Subscriptions int    // of each topic
	Consumers     int    // of each subscription; -1 for none
	ValueSize     int    // bytes
	Payload       Payload
	Keys          Keys
	Rate          int64 // sends a second to all topics of the group
	Curve         Curve // in place of Rate
}

// maxInFlight bounds the default of InFlight over all clients, bytes.
const maxInFlight = 2 << 30

// withDefaults fills what was left zero.
func (c Config) withDefaults() Config {
	c.Topics, c.Partitions, c.Producers = cmp.Or(c.Topics, 1), cmp.Or(c.Partitions, 16), cmp.Or(c.Producers, 4)
	if len(c.Groups) == 0 && c.Topics > 0 && c.Topics <= maxTopics {
		c.Groups = []Group{{
			Partitions: slices.Repeat([]int{c.Partitions}, c.Topics), Producers: slices.Repeat([]int{c.Producers}, c.Topics),
			Subscriptions: c.Subscriptions, Consumers: c.Consumers, ValueSize: c.ValueSize, Payload: c.Payload, Keys: c.Keys,
			Rate: c.Rate, Curve: c.Curve,
		}}
	}
	c.Groups = slices.Clone(c.Groups)
	for i := range c.Groups {
		g := &c.Groups[i]
		g.Subscriptions, g.Consumers = cmp.Or(g.Subscriptions, 1), cmp.Or(g.Consumers, 1)
		g.ValueSize, g.Keys = cmp.Or(g.ValueSize, 1024), cmp.Or(g.Keys, NoKey)
	}
	c = c.totals()
	c.Clients = cmp.Or(c.Clients, c.Producers)
	c.BatchBytes, c.Replicas = cmp.Or(c.BatchBytes, 1_000_012), cmp.Or(c.Replicas, 1)
	most := 64 << 20
	if c.Closed {
		most = 32 << 20
	}
	c.InFlight = cmp.Or(c.InFlight, max(min(most, maxInFlight/max(1, c.Clients)), c.BatchBytes, c.ValueSize))
	c.Acks, c.Codec, c.Seed = cmp.Or(c.Acks, "all"), cmp.Or(c.Codec, "none"), cmp.Or(c.Seed, 1)
	return c
}

// totals makes the fields that describe one group tell of all of them, for
// those who describe the load: sums, and the largest value.
func (c Config) totals() Config {
	c.Topics, c.Producers, c.Consumers, c.ValueSize, c.Rate = 0, 0, -1, 0, 0
	tails := 0
	for _, g := range c.Groups {
		c.Topics += len(g.Partitions)
		for _, n := range g.Producers {
			c.Producers += n
		}
		tails += len(g.Partitions) * max(0, g.Consumers) * g.Subscriptions
		c.ValueSize = max(c.ValueSize, g.ValueSize)
		c.Rate += g.Rate
	}
	if tails > 0 {
		c.Consumers = tails
	}
	return c
}

// Bounds of a load.
const (
	maxTopics     = 10_000
	maxPartitions = 100_000 // over all topics
	maxProducers  = 10_000  // over all topics
	maxConsumers  = 10_000  // over all topics and subscriptions
	maxGroups     = 100
	maxRate       = 10_000_000
)

// faults gathers what is wrong.
type faults []error

func (f *faults) want(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

func (f *faults) within(name string, v, lo, hi int) {
	f.want(v >= lo && v <= hi, "%s is %d, want %d to %d", name, v, lo, hi)
}

// Check reports every fault of a configuration that has no defaults yet.
func (c Config) Check() error { return c.withDefaults().Validate() }

// Validate reports every fault, each with its bound.
func (c Config) Validate() error {
	var f faults
	f.want(len(c.Brokers) > 0, "no broker address given")
	f.want(c.Topic != "", "no topic named")
	f.within("groups of topics", len(c.Groups), 1, maxGroups)
	f.within("topics", c.Topics, 1, maxTopics)
	f.within("producers", c.Producers, 1, maxProducers)
	f.within("consumers", c.Consumers, -1, maxConsumers)
	f.within("clients", c.Clients, 1, max(1, c.Producers))
	f.within("batch bytes", c.BatchBytes, c.ValueSize+128, 64<<20)
	f.within("sticky bytes", c.Sticky, 0, 64<<20)
	f.within("bytes in flight", c.InFlight, c.ValueSize, 4<<30)
	f.within("replicas", c.Replicas, 1, 100)
	f.want(c.MaxRecords >= 0 && (c.Closed || c.MaxRecords == 0), "max records is %d, want 0 or, in a closed loop, more", c.MaxRecords)
	f.want(c.Acks == "all" || c.Acks == "1", "acks is %q, want all or 1: what is never acknowledged cannot be verified", c.Acks)
	_, known := codecs[c.Codec]
	f.want(known, "codec is %q, want none, gzip, snappy, lz4 or zstd", c.Codec)
	f.want(!c.OneInFlight || c.Acks == "all" && c.Codec != "zstd", "one request in flight goes with acks all, and not with zstd")
	f.want(c.Linger >= 0 && c.Linger <= time.Minute, "linger is %v, want 0 to 1m", c.Linger)
	c.validateGroups(&f)
	if len(f) == 0 {
		c.validatePairs(&f)
		c.validateOptions(&f)
	}
	return errors.Join(f...)
}

func (c Config) validateGroups(f *faults) {
	cells, sends, names := 0, false, map[string]bool{}
	for _, g := range c.Groups {
		f.want(!names[g.Name], "two groups of topics are named %q", g.Name)
		names[g.Name] = true
		f.want(len(g.Partitions) == len(g.Producers), "group %q has %d topics with partitions and %d with producers", g.Name, len(g.Partitions), len(g.Producers))
		for i := range min(len(g.Partitions), len(g.Producers)) {
			f.within("partitions", g.Partitions[i], 1, maxPartitions)
			f.within("producers of a topic", g.Producers[i], 0, maxProducers)
			cells += g.Partitions[i]
		}
		f.within("subscriptions", g.Subscriptions, 1, 1000)
		f.within("consumers of a subscription", g.Consumers, -1, maxConsumers)
		f.within("value size", g.ValueSize, HeaderSize, 16<<20)
		g.validateRate(f, c.Closed)
		sends = sends || g.Rate > 0 || len(g.Curve.Points) > 0
		if err := g.Payload.validate(g.ValueSize); err != nil {
			*f = append(*f, err)
		}
		f.want(g.Keys.known(), "keys are %q, want %s, %s or %s", g.Keys, NoKey, KeyRoundRobin, RandomNano)
	}
	f.within("partitions of all topics", cells, 1, maxPartitions)
	f.want(c.Closed || sends, "rate is %d sends/s, want more than 0 (or a closed loop)", c.Rate)
}

func (g Group) validateRate(f *faults, closed bool) {
	f.want(!closed || g.Rate == 0 && len(g.Curve.Points) == 0, "a closed loop has no rate, but %d sends/s is set", g.Rate)
	f.want(g.Rate >= 0 && g.Rate <= maxRate, "rate is %d sends/s, want 0 to %d", g.Rate, maxRate)
	f.want(g.Rate == 0 || len(g.Curve.Points) == 0, "a rate and a curve of rates are set, want one of them")
	if err := g.Curve.validate(); err != nil {
		*f = append(*f, err)
	}
}

// validatePairs bounds the memory of verification.
func (c Config) validatePairs(f *faults) {
	subscriptions := 0
	for _, g := range c.Groups {
		subscriptions = max(subscriptions, g.Subscriptions)
	}
	pairs := newLayout(c).pairs
	// The ledger, each subscription's reading, and one that reads everything back.
	f.want(pairs*(subscriptions+2) <= maxPairs,
		"producing clients × their partitions are %d pairs, whose order is kept account of %d times: want at most %d in all; set clients to share them",
		pairs, subscriptions+2, maxPairs)
}

package partition

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/stream"
)

// Names of the topic configurations that a partition obeys.
const (
	ConfigMaxMessageBytes = "max.message.bytes"
	ConfigTimestampType   = "message.timestamp.type"
	ConfigTimestampBefore = "message.timestamp.before.max.ms"
	ConfigTimestampAfter  = "message.timestamp.after.max.ms"
	ConfigCleanupPolicy   = "cleanup.policy"
	ConfigRetentionMillis = "retention.ms"
	ConfigRetentionBytes  = "retention.bytes"
	logAppendTime         = "LogAppendTime"
	policyDelete          = "delete"
)

// Metadata is what a Manager reads of the cluster's metadata; *meta.Replica
// implements it. Functions given to Watch run after each change is applied, in
// order, and must neither block nor read the metadata.
type Metadata interface {
	Topic(name string) (meta.Topic, bool)
	Topics() []meta.Topic
	Watch(fn func(meta.Change))
}

// Config configures a Manager.
type Config struct {
	// Engine opens the streams behind the partitions. Required.
	Engine *stream.Engine
	// Meta says which topics there are and who leads them. Required.
	Meta Metadata
	// NodeID is this node's; it opens the partitions that Meta gives to it.
	NodeID int32
	// Clock tells the time, for LogAppendTime and for the expiry of producers.
	// Default time.Now.
	Clock func() time.Time
	// Logger default slog.Default().
	Logger *slog.Logger

	// MaxMessageBytes is the largest batch accepted, in bytes, by topics that
	// have no max.message.bytes of their own. Default 1048588, as in Kafka.
	MaxMessageBytes int
	// MaxInflatedBytes is the most that the records of one batch may decompress
	// to, in bytes; a batch that yields more is refused when it is produced,
	// and is an error when it is read. Default 64 MiB. Within it a batch may
	// always yield 1 MiB, what max.message.bytes allows, or 100 times its size.
	MaxInflatedBytes int
	// ProducerExpiry is for how long a silent producer's sequence numbers are
	// remembered: producer.id.expiration.ms. Default 24 h, as in Kafka. After
	// it a producer may go on at any sequence.
	ProducerExpiry time.Duration
	// Retention is how old records become in topics that have no retention.ms
	// of their own; negative: as old as they like. Default 7 days, as in Kafka.
	Retention time.Duration
	// RetentionBytes is how large a partition becomes, in bytes, in topics
	// that have no retention.bytes of their own. Default 0: no bound.
	RetentionBytes int64
	// RetryAfter is the pause after a partition could not be opened, as while
	// the metadata has no leader. Default 1 s.
	RetryAfter time.Duration

	// open is Engine.OpenStream; tests put streams in memory in its place.
	open func(ctx context.Context, id int64) (Log, error)
}

func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.MaxMessageBytes == 0 {
		c.MaxMessageBytes = 1048588
	}
	if c.MaxInflatedBytes == 0 {
		c.MaxInflatedBytes = 64 << 20
	}
	if c.ProducerExpiry == 0 {
		c.ProducerExpiry = 24 * time.Hour
	}
	if c.Retention == 0 {
		c.Retention = 7 * 24 * time.Hour
	}
	if c.RetryAfter == 0 {
		c.RetryAfter = time.Second
	}
	if c.open == nil && c.Engine != nil {
		c.open = func(ctx context.Context, id int64) (Log, error) { return c.Engine.OpenStream(ctx, id) }
	}
	return c
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("partition: "+format, args...)) }
	if c.open == nil && c.Engine == nil {
		fault("Engine is missing")
	}
	if c.Meta == nil {
		fault("Meta is missing")
	}
	if c.MaxMessageBytes < 0 || c.MaxMessageBytes > 1<<30 {
		fault("MaxMessageBytes %d is not between 0 and 1 GiB", c.MaxMessageBytes)
	}
	if c.MaxInflatedBytes < 1<<20 || c.MaxInflatedBytes > 1<<30 {
		fault("MaxInflatedBytes %d is not between 1 MiB and 1 GiB", c.MaxInflatedBytes)
	}
	if c.ProducerExpiry < 0 {
		fault("ProducerExpiry %v is negative", c.ProducerExpiry)
	}
	if c.RetentionBytes < 0 {
		fault("RetentionBytes %d is negative", c.RetentionBytes)
	}
	if c.RetryAfter < 0 {
		fault("RetryAfter %v is negative", c.RetryAfter)
	}
	return errors.Join(faults...)
}

// options reads a topic's configurations. They were checked when they were
// set; what cannot be read all the same counts as not set.
func (c Config) options(configs map[string]string) Options {
	number := func(name string, bits int, least, otherwise int64) int64 {
		if n, err := strconv.ParseInt(strings.TrimSpace(configs[name]), 10, bits); err == nil && n >= least {
			return n
		}
		return otherwise
	}
	o := Options{
		MaxMessageBytes: int(number(ConfigMaxMessageBytes, 32, 0, int64(c.MaxMessageBytes))),
		LogAppendTime:   configs[ConfigTimestampType] == logAppendTime,
		TimestampBefore: number(ConfigTimestampBefore, 64, 0, math.MaxInt64),
		TimestampAfter:  number(ConfigTimestampAfter, 64, 0, time.Hour.Milliseconds()),
		RetentionMillis: number(ConfigRetentionMillis, 64, -1, max(c.Retention.Milliseconds(), -1)),
		RetentionBytes:  number(ConfigRetentionBytes, 64, -1, -1),
		Deletes:         true,
	}
	if _, own := configs[ConfigRetentionBytes]; !own && c.RetentionBytes > 0 {
		o.RetentionBytes = c.RetentionBytes
	}
	if policy, own := configs[ConfigCleanupPolicy]; own {
		o.Deletes = strings.Contains(policy, policyDelete)
	}
	return o
}

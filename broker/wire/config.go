package wire

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Config is what a Server needs. The back ends are required, the rest has
// defaults.
type Config struct {
	Partitions Partitions   // partitions that this node leads
	Metadata   Metadata     // topics and commands that change them
	Cluster    Cluster      // brokers of the cluster
	Groups     Groups       // the group coordinator
	Commit     func()       // leads the WAL commit of what was appended before the call
	NodeID     int32        // this broker
	NodeEpoch  func() int64 // this broker's epoch, for blocks of producer ids
	Logger     *slog.Logger // default slog.Default()

	NewTopicID func() [16]byte // ids of created topics; default random (UUID version 4)

	DisableAutoCreate  bool  // Metadata does not create unknown topics; default false, as in Kafka
	DefaultPartitions  int32 // partitions of a topic that names no number; default 1
	DefaultReplication int16 // replication factor reported for such a topic; default 1

	// BrokerConfigs are the broker's own settings that DescribeConfigs shows
	// (Kafka's names); those of configs.go are shown besides them.
	BrokerConfigs map[string]string

	Limits Limits
}

// Limits bound what a client can make the server hold.
type Limits struct {
	Connections           int           // open connections; default 8192, 64 KiB each; more are closed at once
	ConnectionsPerAddress int           // of one IP address; default 6144: a client may hold three, and a load generator is a thousand producers and as many consumers
	FirstRequestBytes     int           // largest first frame, Produce excepted (old clients send it first); default 64 KiB
	RequestBytes          int           // largest frame of a key other than Produce; default 4 MiB
	ProduceBytes          int           // largest Produce frame; default 100 MiB
	BufferedBytes         int64         // memory of frames above 64 KiB that are being read or served, all connections; default 512 MiB; more wait unread
	AnswerBytes           int64         // answers queued on a connection before it stops reading; default 16 MiB
	AnswersQueued         int           // the same as a number of answers; default 1024
	FetchBytes            int           // most record bytes of one Fetch answer, Kafka's fetch.max.bytes; default 55 MiB
	FetchWait             time.Duration // longest long poll, whatever the client asks; default 1 min
	FetchSessions         int           // open fetch sessions, Kafka's max.incremental.fetch.session.cache.slots; default 1000; who comes later names every partition in every request
	SessionPartitions     int           // partitions in all fetch sessions, of which each takes about 400 bytes; default 100,000; beyond, as with FetchSessions
	Idle                  time.Duration // a connection without a request for so long is closed; default 10 min
	Frame                 time.Duration // a frame that has begun must be whole in time; default 1 min
	Hold                  time.Duration // a client that has not taken an answer so soon gets copies of what the block cache lent for it; default 1 s
	CopiedBytes           int64         // such copies, all connections; one that needs more is closed; default 256 MiB
	Write                 time.Duration // a write that makes no end in time closes the connection; default 30 s
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.Connections, 8192)
	setDefault(&l.ConnectionsPerAddress, 6144)
	setDefault(&l.FirstRequestBytes, 64<<10)
	setDefault(&l.RequestBytes, 4<<20)
	setDefault(&l.ProduceBytes, 100<<20)
	setDefault(&l.BufferedBytes, 512<<20)
	setDefault(&l.AnswerBytes, 16<<20)
	setDefault(&l.AnswersQueued, 1024)
	setDefault(&l.FetchBytes, 55<<20)
	setDefault(&l.FetchWait, time.Minute)
	setDefault(&l.FetchSessions, 1000)
	setDefault(&l.SessionPartitions, 100_000)
	setDefault(&l.Idle, 10*time.Minute)
	setDefault(&l.Frame, time.Minute)
	setDefault(&l.Hold, time.Second)
	setDefault(&l.CopiedBytes, 256<<20)
	setDefault(&l.Write, 30*time.Second)
	return l
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.NewTopicID == nil {
		c.NewTopicID = RandomTopicID
	}
	if c.NodeEpoch == nil {
		c.NodeEpoch = func() int64 { return 0 }
	}
	setDefault(&c.DefaultPartitions, 1)
	setDefault(&c.DefaultReplication, 1)
	c.Limits = c.Limits.withDefaults()
	return c
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	var faults []error
	missing := func(absent bool, what string) {
		if absent {
			faults = append(faults, fmt.Errorf("wire: %s is required", what))
		}
	}
	missing(c.Partitions == nil, "Partitions")
	missing(c.Metadata == nil, "Metadata")
	missing(c.Cluster == nil, "Cluster")
	missing(c.Groups == nil, "Groups")
	missing(c.Commit == nil, "Commit")
	return errors.Join(append(faults, c.Limits.validate()...)...)
}

func (l Limits) validate() []error {
	var faults []error
	atLeast := func(value, least int64, what string) {
		if value < least {
			faults = append(faults, fmt.Errorf("wire: limit %s is %d, must be at least %d", what, value, least))
		}
	}
	atLeast(int64(l.Connections), 1, "Connections")
	atLeast(int64(l.ConnectionsPerAddress), 1, "ConnectionsPerAddress")
	atLeast(int64(l.FirstRequestBytes), 512, "FirstRequestBytes")
	atLeast(int64(l.RequestBytes), 512, "RequestBytes")
	atLeast(int64(l.ProduceBytes), 512, "ProduceBytes")
	// A frame whose share can never be had would wait for ever.
	atLeast(l.BufferedBytes, int64(max(l.ProduceBytes, l.RequestBytes)), "BufferedBytes")
	atLeast(l.AnswerBytes, 1, "AnswerBytes")
	atLeast(l.CopiedBytes, 1, "CopiedBytes")
	atLeast(int64(l.AnswersQueued), 1, "AnswersQueued")
	atLeast(int64(l.FetchBytes), 1, "FetchBytes")
	atLeast(int64(l.FetchSessions), 1, "FetchSessions")
	atLeast(int64(l.SessionPartitions), 1, "SessionPartitions")
	for what, d := range map[string]time.Duration{"FetchWait": l.FetchWait, "Idle": l.Idle, "Frame": l.Frame, "Hold": l.Hold, "Write": l.Write} {
		atLeast(int64(d), int64(time.Millisecond), what)
	}
	return faults
}

package group

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Topics resolves topic names and ids, as the metadata has them now.
type Topics interface {
	TopicName(id [16]byte) (string, bool)
	TopicID(name string) ([16]byte, bool)
}

// Config configures a Coordinator. The names in brackets are Kafka's.
type Config struct {
	// Topics resolves names and ids. Required.
	Topics Topics
	// Logger default slog.Default().
	Logger *slog.Logger
	// Clock tells the time: default time.Now. Timers are package time's.
	Clock func() time.Time
	// NewID makes the part of a member id that nobody can guess: default 16
	// random bytes in hex.
	NewID func() string

	// MinSessionTimeout and MaxSessionTimeout bound what a member may ask for;
	// others are refused with INVALID_SESSION_TIMEOUT. Default 6 s and 30 min.
	// [group.min.session.timeout.ms, group.max.session.timeout.ms]
	MinSessionTimeout, MaxSessionTimeout time.Duration
	// InitialRebalanceDelay is how long the first member of an empty group
	// waits for others, so that consumers that start together share one
	// generation. Default 0, as in the server.properties that Kafka ships:
	// what a program that is started alone pays would be 3 s.
	// [group.initial.rebalance.delay.ms]
	InitialRebalanceDelay time.Duration
	// MaxMembers bounds a group, members that were given an id and have not
	// come back included; beyond it GROUP_MAX_SIZE_REACHED. Default 10,000.
	// [group.max.size]
	MaxMembers int
	// MaxGroups bounds the groups; beyond it COORDINATOR_NOT_AVAILABLE.
	// Default 100,000.
	MaxGroups int
	// MaxMemberBytes bounds a member's subscriptions, and its assignment, in
	// bytes; beyond it INVALID_REQUEST. Default 1 MiB.
	MaxMemberBytes int
	// MaxMetadataBytes bounds the text that goes with an offset; beyond it
	// OFFSET_METADATA_TOO_LARGE. Default 4096. [offset.metadata.max.bytes]
	MaxMetadataBytes int
	// OffsetRetention is how long the offsets of an empty group are kept.
	// Default 7 days. It counts from the last commit, from when the group
	// became empty or from the broker's start, whichever is last.
	// [offsets.retention.minutes]
	OffsetRetention time.Duration
	// SnapshotRecords is how many records the log may hold more than there are
	// live offsets before a snapshot is made. Default 100,000: less than a
	// second of replay.
	SnapshotRecords int
	// CheckInterval is how often offsets are looked at for expiry and the log
	// for a snapshot. Default 1 min.
	CheckInterval time.Duration
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.NewID == nil {
		c.NewID = randomID
	}
	set(&c.MinSessionTimeout, 6*time.Second)
	set(&c.MaxSessionTimeout, 30*time.Minute)
	set(&c.MaxMembers, 10_000)
	set(&c.MaxGroups, 100_000)
	set(&c.MaxMemberBytes, 1<<20)
	set(&c.MaxMetadataBytes, 4096)
	set(&c.OffsetRetention, 7*24*time.Hour)
	set(&c.SnapshotRecords, 100_000)
	set(&c.CheckInterval, time.Minute)
	return c
}

func set[T int | time.Duration](v *T, to T) {
	if *v == 0 {
		*v = to
	}
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	var faults []error
	if c.Topics == nil {
		faults = append(faults, errors.New("group: Topics is missing"))
	}
	positive := func(name string, v int64) {
		if v < 0 {
			faults = append(faults, fmt.Errorf("group: %s %d is negative", name, v))
		}
	}
	positive("MinSessionTimeout", int64(c.MinSessionTimeout))
	positive("InitialRebalanceDelay", int64(c.InitialRebalanceDelay))
	positive("MaxMembers", int64(c.MaxMembers))
	positive("MaxGroups", int64(c.MaxGroups))
	positive("MaxMemberBytes", int64(c.MaxMemberBytes))
	positive("MaxMetadataBytes", int64(c.MaxMetadataBytes))
	positive("OffsetRetention", int64(c.OffsetRetention))
	positive("SnapshotRecords", int64(c.SnapshotRecords))
	positive("CheckInterval", int64(c.CheckInterval))
	if c.MaxSessionTimeout < c.MinSessionTimeout {
		faults = append(faults, fmt.Errorf("group: MaxSessionTimeout %v is below MinSessionTimeout %v", c.MaxSessionTimeout, c.MinSessionTimeout))
	}
	return errors.Join(faults...)
}

func randomID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}

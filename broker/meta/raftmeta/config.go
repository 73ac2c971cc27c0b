package raftmeta

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/raft"

	"github.com/tidelog/tide/broker/meta"
)

// Peer is a voter of the quorum.
type Peer struct {
	NodeID  int32
	Address string // host:port that its raft is reached at
}

// Config of a Node. The zero value of a field means its default.
type Config struct {
	// Dir holds the log and the snapshots. Made when missing. One process at a time.
	Dir string
	// NodeID is this voter's id, ≥ 0. A directory belongs to the node that made it.
	NodeID int32
	// Listen is the host:port for raft's TCP transport. Empty: a quorum of one
	// over an in-memory transport, which elects itself in 100 ms.
	Listen string
	// Advertise is what the other voters dial. Default: Listen.
	Advertise string
	// Peers are the first voters, this one included. Used only while Dir is
	// empty; afterwards the log says who votes. Default: this node alone.
	Peers []Peer
	// ApplyTimeout bounds the wait for raft to take a proposal. Default 10 s.
	ApplyTimeout time.Duration
	// StallTimeout is how long a proposal may take before the node counts as
	// failed: a disk that hangs returns no error, and a leader whose log hangs
	// goes on leading. Default 30 s.
	StallTimeout time.Duration
	// LockTimeout is how long to wait for another process to let go of Dir. Default 1 s.
	LockTimeout time.Duration
	// SnapshotThreshold is the number of entries after which the log is replaced
	// by a snapshot. More: a longer replay at start. Default 2048.
	SnapshotThreshold uint64
	// SnapshotInterval is how often that is looked at. Default 30 s.
	SnapshotInterval time.Duration
	// TrailingLogs is the number of entries kept behind a snapshot, for voters
	// that lag. Default 1024.
	TrailingLogs uint64
	// ChangeLog bounds what followers can catch up on without an image.
	ChangeLog meta.LogLimits
	// Logger gets raft's log, one level down: its elections are no news.
	Logger *slog.Logger

	// wrap lets a test stand between raft and its store.
	wrap func(store) store
	// election is how long a voter of several waits for its leader. Default 1 s:
	// with 200 ms an overloaded host loses its leadership. Tests have no time.
	election time.Duration
}

func (c Config) withDefaults() Config {
	setDefault(&c.Advertise, c.Listen)
	setDefault(&c.ApplyTimeout, 10*time.Second)
	setDefault(&c.StallTimeout, 30*time.Second)
	setDefault(&c.LockTimeout, time.Second)
	setDefault(&c.election, time.Second)
	setDefault(&c.SnapshotThreshold, 2048)
	setDefault(&c.SnapshotInterval, 30*time.Second)
	setDefault(&c.TrailingLogs, 1024)
	setDefault(&c.Logger, slog.Default())
	if c.wrap == nil {
		c.wrap = func(s store) store { return s }
	}
	if len(c.Peers) == 0 {
		c.Peers = []Peer{{NodeID: c.NodeID, Address: c.address()}}
	}
	return c
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// address is this voter's in the log. In memory any name will do, as long as it
// is the same at every start.
func (c Config) address() string {
	if c.Listen == "" {
		return "in-memory-" + strconv.Itoa(int(c.NodeID))
	}
	return c.Advertise
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	fault(c.Dir == "", "Dir is empty: the metadata needs a directory")
	fault(c.NodeID < 0, "NodeID is %d, want 0 or more", c.NodeID)
	fault(c.ApplyTimeout < 0 || c.StallTimeout < 0 || c.LockTimeout < 0, "a timeout is negative")
	fault(c.SnapshotInterval < 0, "SnapshotInterval is %s", c.SnapshotInterval)
	fault(c.Listen == "" && len(c.Peers) > 1, "%d Peers without Listen: only a quorum of one lives in memory", len(c.Peers))
	if c.Listen != "" {
		_, _, err := net.SplitHostPort(c.Listen)
		fault(err != nil, "Listen: %v", err)
	}
	self := len(c.Peers) == 0
	for _, p := range c.Peers {
		self = self || p.NodeID == c.NodeID
	}
	fault(!self, "Peers do not include this node, %d", c.NodeID)
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("raftmeta: configuration: %w", errors.Join(errs...))
}

// raftConfig spells every timeout out; none is the library's choice.
func (c Config) raftConfig() *raft.Config {
	rc := raft.DefaultConfig()
	rc.LocalID = serverID(c.NodeID)
	rc.Logger = newLogger(c.Logger)
	rc.SnapshotThreshold = c.SnapshotThreshold
	rc.SnapshotInterval = c.SnapshotInterval
	rc.TrailingLogs = c.TrailingLogs
	rc.NoLegacyTelemetry = true
	// Unbuffered: what lies in raft's buffer when it stops is never answered.
	// Proposals that wait to be sent are still taken into one transaction.
	rc.BatchApplyCh = false
	if c.Listen != "" {
		rc.HeartbeatTimeout = c.election
		rc.ElectionTimeout = c.election
		rc.LeaderLeaseTimeout = c.election / 2
		rc.CommitTimeout = 50 * time.Millisecond
		rc.MaxAppendEntries = 64
		return rc
	}
	// A voter alone can lose its leadership to nobody, however late its timers
	// are; the timeout only delays the start, by one to two times its length.
	rc.HeartbeatTimeout = 50 * time.Millisecond
	rc.ElectionTimeout = 50 * time.Millisecond
	rc.LeaderLeaseTimeout = 50 * time.Millisecond
	rc.CommitTimeout = 50 * time.Millisecond
	// The most proposals in one transaction. Opening a thousand streams is two.
	rc.MaxAppendEntries = 512
	return rc
}

func serverID(node int32) raft.ServerID { return raft.ServerID(strconv.Itoa(int(node))) }

func (c Config) servers() raft.Configuration {
	var out raft.Configuration
	for _, p := range c.Peers {
		out.Servers = append(out.Servers, raft.Server{
			Suffrage: raft.Voter, ID: serverID(p.NodeID), Address: raft.ServerAddress(p.Address),
		})
	}
	return out
}

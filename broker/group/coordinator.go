// Package group is the classic consumer-group coordinator.
package group

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Topics resolves topic names and ids.
type Topics interface {
	TopicName(id [16]byte) (string, bool)
	TopicID(name string) ([16]byte, bool)
	HasPartition(topic string, partition int32) bool
}

// Config configures a Coordinator.
type Config struct {
	Topics Topics       // resolves names and ids
	Logger *slog.Logger // default slog.Default()

	MinSessionTimeout     time.Duration // default 6 s
	MaxSessionTimeout     time.Duration // default 30 min
	InitialRebalanceDelay time.Duration // default 0
}

// Coordinator serves the groups whose offsets its log keeps.
type Coordinator struct{}

// New makes a coordinator that answers COORDINATOR_LOAD_IN_PROGRESS until Load has run.
func New(cfg Config) (*Coordinator, error) { panic("skeleton") }

// Load reads the log of offsets; requests are served from then on.
func (c *Coordinator) Load(ctx context.Context, log Log) error { panic("skeleton") }

// Close ends all waits; they are answered NOT_COORDINATOR.
func (c *Coordinator) Close() { panic("skeleton") }

// Join serves JoinGroup; it blocks until the generation is formed or ctx ends.
func (c *Coordinator) Join(ctx context.Context, req *kmsg.JoinGroupRequest, clientID, clientHost string) *kmsg.JoinGroupResponse {
	panic("skeleton")
}

// Sync serves SyncGroup; it blocks until the leader's assignment is there.
func (c *Coordinator) Sync(ctx context.Context, req *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse {
	panic("skeleton")
}

// Heartbeat serves Heartbeat.
func (c *Coordinator) Heartbeat(ctx context.Context, req *kmsg.HeartbeatRequest) *kmsg.HeartbeatResponse {
	panic("skeleton")
}

// Leave serves LeaveGroup.
func (c *Coordinator) Leave(ctx context.Context, req *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse {
	panic("skeleton")
}

// OffsetCommit serves OffsetCommit; it answers when the offsets are durable.
func (c *Coordinator) OffsetCommit(ctx context.Context, req *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitResponse {
	panic("skeleton")
}

// OffsetFetch serves OffsetFetch.
func (c *Coordinator) OffsetFetch(ctx context.Context, req *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse {
	panic("skeleton")
}

// DescribeGroups serves DescribeGroups.
func (c *Coordinator) DescribeGroups(ctx context.Context, req *kmsg.DescribeGroupsRequest) *kmsg.DescribeGroupsResponse {
	panic("skeleton")
}

// ListGroups serves ListGroups.
func (c *Coordinator) ListGroups(ctx context.Context, req *kmsg.ListGroupsRequest) *kmsg.ListGroupsResponse {
	panic("skeleton")
}

// DeleteGroups serves DeleteGroups.
func (c *Coordinator) DeleteGroups(ctx context.Context, req *kmsg.DeleteGroupsRequest) *kmsg.DeleteGroupsResponse {
	panic("skeleton")
}

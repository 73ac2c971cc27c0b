package wire

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/partition"
	"github.com/tidelog/tide/broker/stream"
)

// Partitions finds the partitions that this node leads. Errors are kerr's and
// go to the client as they are. Called by any connection's reader.
type Partitions interface {
	Get(topic string, index int32) (Partition, error)
	GetByID(topic [16]byte, index int32) (Partition, error)
	// Ensure returns when the partitions of a topic that was just created can
	// be used.
	Ensure(ctx context.Context, topic string) error
}

// Partition is one partition as Produce, Fetch and ListOffsets use it.
// Implemented by *partition.Partition.
type Partition interface {
	Topic() string
	LeaderEpoch() int32
	// Internal tells that only the broker writes to it.
	Internal() bool
	// Gone is why it cannot be used any more, nil while it can. Whoever
	// watches is signalled when that changes, after it has changed.
	Gone() error
	appender
	reader
	offsets
}

type appender interface {
	// Append copies records before it returns, after patching them in place,
	// and may block while the broker is full, until ctx ends. It does not keep
	// ctx. With a nil error done runs exactly once, on any goroutine.
	Append(ctx context.Context, records []byte, done func(partition.AppendResult)) error
}

type reader interface {
	// FetchFor returns record batches, to be released by the caller. They may
	// lie in memory that others need: see stream.Read.
	FetchFor(ctx context.Context, w stream.Want) (*stream.Read, error)
	// Watch signals w, until Unwatch, after any of the offsets has advanced,
	// and after the partition is Gone. A session watches for as long as it lives.
	Watch(w *stream.Waiter)
	Unwatch(w *stream.Waiter)
}

type offsets interface {
	HighWatermark() int64
	LastStableOffset() int64
	LogStartOffset() int64
	OffsetForTime(ctx context.Context, timestamp int64) (offset, ts int64, err error)
	EpochAt(offset int64) int32
	// DeleteRecords makes everything before the offset, or with -1 everything
	// there is, unreadable, durably, and returns the log start afterwards.
	DeleteRecords(ctx context.Context, before int64) (start int64, err error)
}

// Metadata is the local replica of the cluster's metadata. What it returns is
// never changed afterwards. Propose returns once the local replica has applied
// the command.
type Metadata interface {
	Topic(name string) (meta.Topic, bool)
	TopicByID(id [16]byte) (meta.Topic, bool)
	Topics() []meta.Topic
	Propose(ctx context.Context, cmd meta.Command) (meta.Result, error)
}

// Broker is one broker as clients see it.
type Broker struct {
	ID   int32
	Host string
	Port int32
	Rack string // empty: none
}

// Cluster tells who is there. Answers come from memory.
type Cluster interface {
	ClusterID() string
	ControllerID() int32
	Brokers() []Broker // alive ones, in order of id; includes this broker
}

// Groups is the coordinator of consumer groups: kmsg in, kmsg out, never nil.
// It serves every version, names and topic ids included. Join and Sync block
// until their generation is formed or ctx ends. Implemented by
// *group.Coordinator.
type Groups interface {
	Join(ctx context.Context, req *kmsg.JoinGroupRequest, clientID, clientHost string) *kmsg.JoinGroupResponse
	Sync(ctx context.Context, req *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse
	Heartbeat(ctx context.Context, req *kmsg.HeartbeatRequest) *kmsg.HeartbeatResponse
	Leave(ctx context.Context, req *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse
	OffsetCommit(ctx context.Context, req *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitResponse
	OffsetFetch(ctx context.Context, req *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse
	DescribeGroups(ctx context.Context, req *kmsg.DescribeGroupsRequest) *kmsg.DescribeGroupsResponse
	ListGroups(ctx context.Context, req *kmsg.ListGroupsRequest) *kmsg.ListGroupsResponse
	DeleteGroups(ctx context.Context, req *kmsg.DeleteGroupsRequest) *kmsg.DeleteGroupsResponse
}

// FromManager makes Partitions of a partition.Manager, whose methods return
// the concrete type.
func FromManager(m *partition.Manager) Partitions { return managed{m} }

type managed struct{ *partition.Manager }

func (m managed) Get(topic string, index int32) (Partition, error) {
	return orError(m.Manager.Get(topic, index))
}

func (m managed) GetByID(topic [16]byte, index int32) (Partition, error) {
	return orError(m.Manager.GetByID(topic, index))
}

// orError keeps a nil *partition.Partition from becoming an interface that is
// not nil.
func orError(p *partition.Partition, err error) (Partition, error) {
	if err != nil {
		return nil, err
	}
	return p, nil
}

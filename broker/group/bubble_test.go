package group

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// bubble runs a test with a loaded coordinator in virtual time.
func bubble(t *testing.T, cfg Config, test func(t *testing.T, c *Coordinator, l *memLog)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &memLog{}
		c := started(t, cfg, l)
		test(t, c, l)
		c.Close()
	})
}

func started(t *testing.T, cfg Config, l Log) *Coordinator {
	t.Helper()
	c := fresh(t, cfg)
	require.NoError(t, c.Load(context.Background(), l))
	return c
}

// fresh is a coordinator that is not loaded; member ids count up.
func fresh(t *testing.T, cfg Config) *Coordinator {
	t.Helper()
	n := 0
	cfg.NewID = func() string { n++; return fmt.Sprint(n) }
	cfg.Topics = memTopics{"a": {1}, "b": {2}}
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	c, err := New(cfg)
	require.NoError(t, err)
	return c
}

// client is one consumer.
type client struct {
	t        *testing.T
	c        *Coordinator
	version  int16 // of JoinGroup
	instance *string
	protos   []string

	id         string
	generation int32
	assigned   string
}

func newClient(t *testing.T, c *Coordinator) *client {
	return &client{t: t, c: c, version: 9, protos: []string{"range"}}
}

func static(t *testing.T, c *Coordinator, instance string) *client {
	m := newClient(t, c)
	m.instance = &instance
	return m
}

// join sends one JoinGroup.
func (m *client) join(ctx context.Context) *kmsg.JoinGroupResponse {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID, req.InstanceID = m.version, "g", m.id, m.instance
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis, req.ProtocolType = 10_000, 60_000, "consumer"
	for _, p := range m.protos {
		req.Protocols = append(req.Protocols, kmsg.JoinGroupRequestProtocol{Name: p, Metadata: []byte("topics of " + p)})
	}
	r := m.c.Join(ctx, req, "client", "host")
	if r.ErrorCode == 0 {
		m.id, m.generation = r.MemberID, r.Generation
	}
	return r
}

// joinTwice goes through MEMBER_ID_REQUIRED.
func (m *client) joinTwice() *kmsg.JoinGroupResponse {
	r := m.join(context.Background())
	if r.ErrorCode == kerr.MemberIDRequired.Code {
		m.id = r.MemberID
		r = m.join(context.Background())
	}
	return r
}

// sync sends SyncGroup, with an assignment for every member if it leads.
func (m *client) sync(r *kmsg.JoinGroupResponse) *kmsg.SyncGroupResponse {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Version, req.Group, req.Generation, req.MemberID, req.InstanceID = 5, "g", m.generation, m.id, m.instance
	for _, o := range r.Members {
		req.GroupAssignment = append(req.GroupAssignment, kmsg.SyncGroupRequestGroupAssignment{MemberID: o.MemberID, MemberAssignment: []byte("for " + o.MemberID)})
	}
	s := m.c.Sync(context.Background(), req)
	m.assigned = string(s.MemberAssignment)
	return s
}

// enter joins and syncs until the group is stable.
func (m *client) enter() {
	for {
		r := m.joinTwice()
		require.Zero(m.t, r.ErrorCode, "join: %v", kerr.ErrorForCode(r.ErrorCode))
		s := m.sync(r)
		if s.ErrorCode == kerr.RebalanceInProgress.Code {
			continue
		}
		require.Zero(m.t, s.ErrorCode, "sync: %v", kerr.ErrorForCode(s.ErrorCode))
		return
	}
}

func (m *client) heartbeat() error {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Version, req.Group, req.Generation, req.MemberID, req.InstanceID = 4, "g", m.generation, m.id, m.instance
	return kerr.ErrorForCode(m.c.Heartbeat(context.Background(), req).ErrorCode)
}

func (m *client) leave() error {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Version, req.Group = 5, "g"
	req.Members = []kmsg.LeaveGroupRequestMember{{MemberID: m.id, InstanceID: m.instance}}
	return kerr.ErrorForCode(m.c.Leave(context.Background(), req).Members[0].ErrorCode)
}

// run is a consumer that lives until ctx ends: it heartbeats every 3 s and
// joins again when it must.
func (m *client) run(ctx context.Context) {
	m.enter()
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := m.heartbeat(); errors.Is(err, kerr.RebalanceInProgress) {
				m.enter()
			} else if err != nil {
				m.t.Errorf("heartbeat: %v", err)
				return
			}
		}
	}
}

// group is the group as DescribeGroups shows it.
func describe(c *Coordinator) kmsg.DescribeGroupsResponseGroup {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Version, req.Groups = 6, []string{"g"}
	return c.DescribeGroups(context.Background(), req).Groups[0]
}

// commitAs commits offset for a-0, as a member or, with nil, as nobody.
func commitAs(c *Coordinator, m *client, offset int64) error {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group = 9, "g"
	if m != nil {
		req.Generation, req.MemberID, req.InstanceID = m.generation, m.id, m.instance
	}
	meta := "m"
	req.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "a", Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: offset, LeaderEpoch: 4, Metadata: &meta}}}}
	return kerr.ErrorForCode(c.OffsetCommit(context.Background(), req).Topics[0].Partitions[0].ErrorCode)
}

// committedFor is the offset of group g for a-0; −1 when there is none.
func committedFor(c *Coordinator) int64 { return committedBy(c, "g") }

func committedBy(c *Coordinator, group string) int64 {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Version = 9
	req.Groups = []kmsg.OffsetFetchRequestGroup{{Group: group, Topics: []kmsg.OffsetFetchRequestGroupTopic{{Topic: "a", Partitions: []int32{0}}}}}
	return c.OffsetFetch(context.Background(), req).Groups[0].Topics[0].Partitions[0].Offset
}

package group

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestCommitWaitsForDurability: neither the answer nor a fetch runs ahead of
// the log.
func TestCommitWaitsForDurability(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *Coordinator, l *memLog) {
		require.NoError(t, commitAs(c, nil, 5))
		l.hold()
		done := make(chan error)
		go func() { done <- commitAs(c, nil, 6) }()
		synctest.Wait()
		require.EqualValues(t, 5, committedFor(c))
		require.EqualValues(t, 5, committedFor(started(t, Config{}, l.crash()).closing(t)), "a crash now forgets it")
		l.release()
		require.NoError(t, <-done)
		require.EqualValues(t, 6, committedFor(c))
		require.EqualValues(t, 6, committedFor(started(t, Config{}, l.crash()).closing(t)))
	})
}

// closing makes the test close c when it ends; for coordinators of one line.
func (c *Coordinator) closing(t *testing.T) *Coordinator {
	t.Cleanup(c.Close)
	return c
}

func TestCommitErrors(t *testing.T) {
	bubble(t, Config{MaxMetadataBytes: 1}, func(t *testing.T, c *Coordinator, l *memLog) {
		for _, tc := range []struct{ in, want error }{
			{kerr.MessageTooLarge, kerr.InvalidCommitOffsetSize},
			{kerr.RequestTimedOut, kerr.CoordinatorNotAvailable},
			{kerr.NotLeaderForPartition, kerr.NotCoordinator},
			{fmt.Errorf("x: %w", kerr.KafkaStorageError), kerr.NotCoordinator},
			{errLatched, kerr.CoordinatorNotAvailable},
		} {
			l.refuse = tc.in
			require.ErrorIs(t, commitAs(c, nil, 1), tc.want)
			l.refuse, l.fail = nil, tc.in
			require.ErrorIs(t, commitAs(c, nil, 1), tc.want)
			l.fail = nil
		}
		require.EqualValues(t, -1, committedFor(c))

		req := kmsg.NewPtrOffsetCommitRequest()
		req.Version, req.Group = 9, "g"
		long := "xx"
		req.Topics = []kmsg.OffsetCommitRequestTopic{
			{Topic: "nowhere", Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Partition: 0}}},
			{Topic: "a", Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Partition: 0, Metadata: &long}, {Partition: 1, Offset: 9}, {Partition: -1}}},
		}
		r := c.OffsetCommit(context.Background(), req)
		require.Equal(t, kerr.UnknownTopicOrPartition.Code, r.Topics[0].Partitions[0].ErrorCode)
		require.Equal(t, kerr.OffsetMetadataTooLarge.Code, r.Topics[1].Partitions[0].ErrorCode)
		require.Zero(t, r.Topics[1].Partitions[1].ErrorCode, "the good ones are committed")
		require.Equal(t, kerr.UnknownTopicOrPartition.Code, r.Topics[1].Partitions[2].ErrorCode)

		req.Generation = 3
		req.Group = "unknown"
		require.Equal(t, kerr.IllegalGeneration.Code, c.OffsetCommit(context.Background(), req).Topics[1].Partitions[1].ErrorCode)
	})
}

// TestWhoMayCommit: members of the generation, also while the next gathers;
// others only while the group is empty.
func TestWhoMayCommit(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *Coordinator, _ *memLog) {
		require.NoError(t, commitAs(c, nil, 1))
		m := newClient(t, c)
		m.enter()
		require.ErrorIs(t, commitAs(c, nil, 2), kerr.UnknownMemberID)
		require.NoError(t, commitAs(c, m, 3))
		other := newClient(t, c)
		go other.enter()
		synctest.Wait()
		require.NoError(t, commitAs(c, m, 4), "before it gives partitions up")
		r := m.join(context.Background())
		require.ErrorIs(t, commitAs(c, m, 5), kerr.RebalanceInProgress)
		m.sync(r)
		synctest.Wait()
		require.NoError(t, commitAs(c, other, 6))
		require.ErrorIs(t, commitAs(c, &client{id: "stranger", generation: m.generation}, 7), kerr.UnknownMemberID)
		require.EqualValues(t, 6, committedFor(c))
	})
}

// TestStaleCommitNeverComesLater: a commit that was valid and is stuck for
// room is in the log before anything of the next generation.
func TestStaleCommitNeverComesLater(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *Coordinator, l *memLog) {
		m := newClient(t, c)
		m.enter()
		room := make(chan struct{})
		l.onStep = func() { <-room }
		stale := make(chan error, 1)
		go func() { stale <- commitAs(c, m, 1) }()
		synctest.Wait()
		require.NoError(t, m.leave())
		next := newClient(t, c)
		next.enter()
		fresh := make(chan error, 1)
		go func() { fresh <- commitAs(c, next, 2) }()
		synctest.Wait()
		close(room)
		require.NoError(t, <-stale)
		require.NoError(t, <-fresh)
		require.EqualValues(t, 2, committedFor(c))
		require.EqualValues(t, 2, committedFor(started(t, Config{}, l.crash()).closing(t)))
	})
}

func TestLoading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fresh(t, Config{})
		loading := kerr.CoordinatorLoadInProgress
		m := newClient(t, c)
		require.Equal(t, loading.Code, m.join(context.Background()).ErrorCode)
		require.ErrorIs(t, m.heartbeat(), loading)
		require.ErrorIs(t, commitAs(c, nil, 1), loading)
		for version := range int16(11) {
			require.ErrorIs(t, fetchError(c, version), loading, "version %d", version)
		}
		bad := &memLog{unread: kerr.KafkaStorageError}
		require.ErrorContains(t, c.Load(context.Background(), bad), "__consumer_offsets")
		require.NoError(t, c.Load(context.Background(), &memLog{}))
		require.NoError(t, commitAs(c, nil, 1))
		c.Close()
	})
}

// fetchError is where each version of OffsetFetch puts an error of the group.
func fetchError(c *Coordinator, version int16) error {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Version, req.Group = version, "g"
	req.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: "a", Partitions: []int32{0}}}
	req.Groups = []kmsg.OffsetFetchRequestGroup{{Group: "g"}}
	r := c.OffsetFetch(context.Background(), req)
	switch {
	case version >= 8:
		return kerr.ErrorForCode(r.Groups[0].ErrorCode)
	case version >= 2:
		return kerr.ErrorForCode(r.ErrorCode)
	}
	return kerr.ErrorForCode(r.Topics[0].Partitions[0].ErrorCode)
}

// TestEveryVersion: what is committed with any version is fetched with any.
func TestEveryVersion(t *testing.T) {
	topics := memTopics{"a": {1}, "b": {2}}
	bubble(t, Config{}, func(t *testing.T, c *Coordinator, _ *memLog) {
		for commit := int16(2); commit <= 10; commit++ {
			req := kmsg.NewPtrOffsetCommitRequest()
			req.Version, req.Group = commit, "g"
			topic := kmsg.OffsetCommitRequestTopic{Topic: "b", Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Partition: 3, Offset: int64(commit), LeaderEpoch: 8}}}
			if commit >= 10 {
				topic.Topic, topic.TopicID = "", topics["b"]
			}
			req.Topics = []kmsg.OffsetCommitRequestTopic{topic}
			answer := c.OffsetCommit(context.Background(), req)
			require.Zero(t, answer.Topics[0].Partitions[0].ErrorCode)
			require.Equal(t, topic.TopicID, answer.Topics[0].TopicID)
			for fetch := int16(0); fetch <= 10; fetch++ {
				for _, all := range []bool{false, true} {
					if all && fetch < 2 {
						continue
					}
					offset, epoch, partition := fetchB3(t, c, fetch, all, topics["b"])
					require.EqualValues(t, commit, offset, "commit v%d, fetch v%d", commit, fetch)
					require.EqualValues(t, 3, partition)
					if commit >= 6 {
						require.EqualValues(t, 8, epoch)
					} else {
						require.EqualValues(t, -1, epoch)
					}
				}
			}
		}
		req := kmsg.NewPtrOffsetFetchRequest()
		req.Version = 10
		req.Groups = []kmsg.OffsetFetchRequestGroup{{Group: "g", Topics: []kmsg.OffsetFetchRequestGroupTopic{{TopicID: [16]byte{9}, Partitions: []int32{0}}}}}
		require.Equal(t, kerr.UnknownTopicID.Code, c.OffsetFetch(context.Background(), req).Groups[0].Topics[0].Partitions[0].ErrorCode)
	})
}

func fetchB3(t *testing.T, c *Coordinator, version int16, all bool, id [16]byte) (offset int64, epoch, partition int32) {
	t.Helper()
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Version, req.Group = version, "g"
	if version < 8 {
		if !all {
			req.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: "b", Partitions: []int32{3}}}
		}
		// Through the codec: null and empty must stay apart.
		require.NoError(t, req.ReadFrom(req.AppendTo(nil)))
		p := c.OffsetFetch(context.Background(), req).Topics[0].Partitions[0]
		return p.Offset, p.LeaderEpoch, p.Partition
	}
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = "g"
	if !all {
		topic := kmsg.OffsetFetchRequestGroupTopic{Topic: "b", Partitions: []int32{3}}
		if version >= 10 {
			topic.Topic, topic.TopicID = "", id
		}
		g.Topics = []kmsg.OffsetFetchRequestGroupTopic{topic}
	}
	req.Groups = []kmsg.OffsetFetchRequestGroup{g}
	require.NoError(t, req.ReadFrom(req.AppendTo(nil)))
	out := c.OffsetFetch(context.Background(), req).Groups[0].Topics[0]
	if version >= 10 {
		require.Equal(t, id, out.TopicID)
	}
	return out.Partitions[0].Offset, out.Partitions[0].LeaderEpoch, out.Partitions[0].Partition
}

// TestExpiry: offsets of an empty group go after the retention, counted from
// when it became empty; a retention of their own counts from the commit.
func TestExpiry(t *testing.T) {
	bubble(t, Config{OffsetRetention: time.Hour}, func(t *testing.T, c *Coordinator, l *memLog) {
		require.NoError(t, commitAs(c, nil, 1))
		m := newClient(t, c)
		m.enter()
		ctx, stop := context.WithCancel(context.Background())
		go m.run(ctx)
		time.Sleep(3 * time.Hour)
		require.EqualValues(t, 1, committedFor(c), "somebody is there")
		stop()
		synctest.Wait()
		_ = m.leave()
		time.Sleep(50 * time.Minute)
		require.EqualValues(t, 1, committedFor(c))
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		require.EqualValues(t, -1, committedFor(c))
		require.Nil(t, c.find("g"), "nothing is left of the group")
		require.EqualValues(t, -1, committedFor(started(t, Config{}, l.crash()).closing(t)), "the deletion is in the log")

		req := kmsg.NewPtrOffsetCommitRequest()
		req.Version, req.Group, req.RetentionTimeMillis = 4, "g", 60_000
		req.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "a", Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: 7}}}}
		require.Zero(t, c.OffsetCommit(context.Background(), req).Topics[0].Partitions[0].ErrorCode)
		next := started(t, Config{}, l.crash()).closing(t)
		require.EqualValues(t, 7, committedFor(next))
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		require.EqualValues(t, -1, committedFor(c))
		require.EqualValues(t, -1, committedFor(next), "the expiry is in the log, too")
	})
}

func TestDeleteAndList(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *Coordinator, l *memLog) {
		remove := func(group string) error {
			req := kmsg.NewPtrDeleteGroupsRequest()
			req.Version, req.Groups = 2, []string{group}
			return kerr.ErrorForCode(c.DeleteGroups(context.Background(), req).Groups[0].ErrorCode)
		}
		list := kmsg.NewPtrListGroupsRequest()
		list.Version = 5
		require.ErrorIs(t, remove("g"), kerr.GroupIDNotFound)
		require.NoError(t, commitAs(c, nil, 1))
		require.Equal(t, []kmsg.ListGroupsResponseGroup{{Group: "g", GroupState: "Empty", GroupType: "classic"}}, c.ListGroups(context.Background(), list).Groups)
		m := newClient(t, c)
		m.enter()
		require.ErrorIs(t, remove("g"), kerr.NonEmptyGroup)
		list.StatesFilter = []string{"Empty"}
		require.Empty(t, c.ListGroups(context.Background(), list).Groups)
		require.NoError(t, m.leave())
		require.NoError(t, remove("g"))
		require.EqualValues(t, -1, committedFor(c))
		require.EqualValues(t, -1, committedFor(started(t, Config{}, l.crash()).closing(t)))
		require.Equal(t, kerr.GroupIDNotFound.Code, describe(c).ErrorCode)

		require.NoError(t, commitAs(c, nil, 1))
		require.NoError(t, c.ForgetTopic(context.Background(), "b"))
		require.EqualValues(t, 1, committedFor(c))
		require.NoError(t, c.ForgetTopic(context.Background(), "a"))
		require.EqualValues(t, -1, committedFor(c))
	})
}

// TestRecordsAreKafkas: the bytes in the log are those that Kafka writes.
func TestRecordsAreKafkas(t *testing.T) {
	require.Equal(t, "\x00\x01\x00\x01g\x00\x01a\x00\x00\x00\x03", string(encodeKey("g", topicPartition{"a", 3})))
	o := committed{offset: 5, leaderEpoch: 2, metadata: "m", at: 9, expires: -1}
	require.Equal(t, "\x00\x03\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x02\x00\x01m\x00\x00\x00\x00\x00\x00\x00\x09", string(encodeValue(o)))
	for _, o := range []committed{o, {offset: 1, leaderEpoch: -1, at: 2, expires: 3}} {
		got, err := decodeValue(encodeValue(o))
		require.NoError(t, err)
		require.Equal(t, o, got)
	}
}

// TestDamagedRecordsAreSkipped: one bad record costs its own offset, with a
// line that names it, and not the load of all groups.
func TestDamagedRecordsAreSkipped(t *testing.T) {
	a, b := topicPartition{"a", 0}, topicPartition{"b", 0}
	good := encodeValue(committed{offset: 5, expires: -1})
	l := &memLog{rotten: 4, records: []Record{
		{Key: encodeKey("g", a), Value: good},
		{Key: encodeKey("g", b), Value: good[:7]},
		{Key: []byte{0, 1, 0, 9, 'g'}, Value: good},
		{Key: []byte("not a key"), Value: []byte("of a coordinator")},
		{Key: encodeKey("g", a), Value: good},
		{Key: encodeKey("h", a), Value: good},
	}}
	for range 2 * loudSkips {
		l.records = append(l.records, Record{Key: encodeKey("i", a), Value: []byte{}})
	}
	l.durable = int64(len(l.records))
	var lines bytes.Buffer
	c := fresh(t, Config{})
	c.cfg.Logger = slog.New(slog.NewTextHandler(&lines, nil))
	require.NoError(t, c.Load(context.Background(), l))
	defer c.Close()
	require.EqualValues(t, 5, committedBy(c, "g"))
	require.EqualValues(t, 5, committedBy(c, "h"), "what lies behind the damage counts")
	require.EqualValues(t, -1, committedBy(c, "i"))
	require.EqualValues(t, 3+2*loudSkips, c.Skipped())
	require.Contains(t, lines.String(), "start=1 end=2")
	require.Contains(t, lines.String(), "start=4 end=5")
	require.Equal(t, loudSkips+1, strings.Count(lines.String(), "level=WARN"))
	require.Contains(t, lines.String(), fmt.Sprintf("skipped=%d", c.Skipped()))
}

// FuzzReplay: no record in the log makes a load panic.
func FuzzReplay(f *testing.F) {
	f.Add(encodeKey("g", topicPartition{"a", 0}), encodeValue(committed{expires: -1}))
	f.Add([]byte{0, 2, 0, 1, 'g'}, []byte{1})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		l := &memLog{records: []Record{{Key: key, Value: value}, {Key: key}}, durable: 2}
		got, err := readOffsets(context.Background(), l, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		require.Equal(t, 2, got.records)
		require.Empty(t, got.live)
	})
}

package partition

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidelog/tide/broker/meta"
	"github.com/twmb/franz-go/pkg/kerr"
)

// memMeta is metadata in memory.
type memMeta struct {
	mu     sync.Mutex
	topics map[string]meta.Topic
	watch  func(meta.Change)
}

func (m *memMeta) Topic(name string) (meta.Topic, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.topics[name]
	return t, ok
}

func (m *memMeta) Topics() []meta.Topic {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []meta.Topic
	for _, t := range m.topics {
		out = append(out, t)
	}
	return out
}

func (m *memMeta) Watch(fn func(meta.Change)) { m.watch = fn }

// set stores a topic and tells of the change.
func (m *memMeta) set(t meta.Topic, c meta.Change) {
	m.mu.Lock()
	m.topics[t.Name] = t
	m.mu.Unlock()
	m.watch(c)
}

func (m *memMeta) remove(t meta.Topic) {
	m.mu.Lock()
	delete(m.topics, t.Name)
	m.mu.Unlock()
	m.watch(meta.TopicDeleted{ID: t.ID, Name: t.Name})
}

// topic has partitions led by the nodes given; node 1 is this one.
func topic(name string, id byte, leaders ...int32) meta.Topic {
	t := meta.Topic{Name: name, ID: meta.TopicID{id}}
	for i, l := range leaders {
		t.Partitions = append(t.Partitions, meta.Partition{Index: int32(i), StreamID: int64(id)*100 + int64(i), Leader: l})
	}
	return t
}

// managed runs a Manager in a bubble of virtual time.
func managed(t *testing.T, open func(context.Context, int64) (Log, error), test func(*Manager, *memMeta)) {
	synctest.Test(t, func(t *testing.T) {
		mm := &memMeta{topics: make(map[string]meta.Topic)}
		m, err := NewManager(Config{Meta: mm, NodeID: 1, open: open})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		synctest.Wait()
		test(m, mm)
		cancel()
		require.NoError(t, <-done)
	})
}

func openMem(_ context.Context, id int64) (Log, error) {
	return &memLog{id: id, epoch: 1, auto: true}, nil
}

func TestManagerFollowsMetadata(t *testing.T) {
	managed(t, openMem, func(m *Manager, mm *memMeta) {
		get := func(name string, p int32) error { _, err := m.Get(name, p); return err }
		require.ErrorIs(t, get("a", 0), kerr.UnknownTopicOrPartition)
		a := topic("a", 7, 1, 2, 1)
		mm.set(a, meta.TopicCreated{Topic: a})
		require.NoError(t, m.Ensure(context.Background(), "a"), "Ensure and Run may both come first")
		synctest.Wait()
		require.NoError(t, get("a", 0))
		require.ErrorIs(t, get("a", 1), kerr.NotLeaderForPartition)
		require.ErrorIs(t, get("a", 3), kerr.UnknownTopicOrPartition)
		require.ErrorIs(t, get("a", -1), kerr.UnknownTopicOrPartition)
		require.Len(t, m.All(), 2)
		p, err := m.GetByID(a.ID, 2)
		require.NoError(t, err)
		require.Equal(t, "a-2", p.String())
		_, err = m.GetByID(meta.TopicID{99}, 0)
		require.ErrorIs(t, err, kerr.UnknownTopicID)

		// Another node takes over partition 2, and this one partition 1.
		a = topic("a", 7, 1, 1, 2)
		mm.set(a, meta.PartitionChanged{TopicID: a.ID, Topic: "a", Partition: a.Partitions[2]})
		mm.set(a, meta.PartitionChanged{TopicID: a.ID, Topic: "a", Partition: a.Partitions[1]})
		synctest.Wait()
		require.NoError(t, get("a", 1))
		require.ErrorIs(t, get("a", 2), kerr.NotLeaderForPartition)
		require.ErrorIs(t, p.Append(context.Background(), plain(1).build(t), ignore), kerr.NotLeaderForPartition)

		// The same name again is another topic.
		p, _ = m.Get("a", 0)
		mm.remove(a)
		require.ErrorIs(t, get("a", 0), kerr.UnknownTopicOrPartition)
		require.ErrorIs(t, p.Append(context.Background(), plain(1).build(t), ignore), kerr.UnknownTopicOrPartition)
		a = topic("a", 8, 1)
		mm.set(a, meta.TopicCreated{Topic: a})
		synctest.Wait()
		require.NoError(t, get("a", 0))
		mm.watch(meta.StreamChanged{ID: 800, Epoch: 2, Open: true})
		require.ErrorIs(t, get("a", 0), kerr.NotLeaderForPartition, "the stream was opened under another epoch")
	})
}

func TestManagerReconfigures(t *testing.T) {
	managed(t, openMem, func(m *Manager, mm *memMeta) {
		a := topic("a", 1, 1)
		a.Internal = true
		mm.set(a, meta.TopicCreated{Topic: a})
		synctest.Wait()
		p, err := m.Get("a", 0)
		require.NoError(t, err)
		want := Options{
			MaxMessageBytes: 1048588, TimestampBefore: math.MaxInt64, TimestampAfter: 3_600_000, Internal: true,
			Deletes: true, RetentionMillis: 604_800_000, RetentionBytes: -1,
		}
		require.Equal(t, want, *p.options.Load())
		require.True(t, p.Internal())
		a.Configs = map[string]string{ConfigMaxMessageBytes: "100", ConfigTimestampType: "LogAppendTime", ConfigTimestampBefore: " 5", ConfigTimestampAfter: "x", ConfigRetentionMillis: "60000"}
		mm.set(a, meta.ConfigsChanged{Resource: meta.ResourceTopic, Name: "a", Configs: a.Configs})
		synctest.Wait()
		want.MaxMessageBytes, want.LogAppendTime, want.TimestampBefore, want.RetentionMillis = 100, true, 5, 60_000
		require.Equal(t, want, *p.options.Load())
		require.ErrorIs(t, p.Append(context.Background(), plain(1).build(t), ignore), kerr.MessageTooLarge)
	})
}

// TestManagerTriesAgain: what cannot be opened is opened later, and a client
// meanwhile hears something that makes it ask again.
func TestManagerTriesAgain(t *testing.T) {
	failures := 3
	open := func(ctx context.Context, id int64) (Log, error) {
		if failures--; failures >= 0 {
			return nil, errors.New("no leader")
		}
		return openMem(ctx, id)
	}
	managed(t, open, func(m *Manager, mm *memMeta) {
		a := topic("a", 1, 1)
		mm.set(a, meta.TopicCreated{Topic: a})
		synctest.Wait()
		_, err := m.Get("a", 0)
		require.ErrorIs(t, err, kerr.NotLeaderForPartition)
		time.Sleep(3 * time.Second) // the bubble's clock
		synctest.Wait()
		_, err = m.Get("a", 0)
		require.NoError(t, err)
	})
}

func TestConfigValidate(t *testing.T) {
	err := Config{MaxMessageBytes: -1, ProducerExpiry: -1, RetryAfter: -1}.Validate()
	for _, want := range []string{"Engine", "Meta", "MaxMessageBytes", "ProducerExpiry", "RetryAfter"} {
		require.ErrorContains(t, err, want)
	}
}

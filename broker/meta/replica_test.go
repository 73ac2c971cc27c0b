package meta

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var quiet = slog.New(slog.DiscardHandler)

// run runs r until the test ends.
func run(t *testing.T, r *Replica) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
	})
}

// propose has l apply filled's commands.
func propose(t *testing.T, c Controller, cmds ...Command) (last Result) {
	for _, cmd := range cmds {
		res, err := c.Propose(t.Context(), cmd)
		require.NoError(t, err, "%#v", cmd)
		last = res
	}
	return last
}

func basics() []Command {
	return []Command{
		RegisterNode{NodeID: 1, Advertise: "a:1"},
		WALOpened{NodeID: 1, Epoch: 1},
		CreateTopic{Name: "t", ID: TopicID{1}, Partitions: 1, Replication: 1},
		OpenStream{StreamID: 1, NodeID: 1, NodeEpoch: 1, StreamEpoch: 1},
		PrepareObjects{NodeID: 1, NodeEpoch: 1, Count: 2, Until: 5},
		commitOf(1, 1, 0, 10),
	}
}

func TestReplicaFollows(t *testing.T) {
	l := NewLocal()
	r := NewReplica(l, quiet)
	var seen []string
	r.Watch(func(c Change) {
		if rc, ok := c.(RangeAdded); ok {
			s, _ := r.Stream(rc.StreamID)
			require.Equal(t, rc.Range.End, s.End, "the image shows the change before the watcher hears of it")
		}
		seen = append(seen, reflect.TypeOf(c).Name())
	})
	run(t, r)
	res := propose(t, l, basics()...)
	require.NoError(t, r.WaitFor(t.Context(), res.Index))

	require.Equal(t, []string{
		"NodeChanged", "CountersChanged", "NodeChanged", "TopicCreated", "CountersChanged", "StreamChanged",
		"PartitionChanged", "ObjectChanged", "ObjectChanged", "CountersChanged", "ObjectChanged", "RangeAdded",
	}, seen)
	require.Equal(t, encodeImage(t, l.Image()), encodeImage(t, r.image))
	topic, ok := r.TopicByID([16]byte{1})
	require.True(t, ok)
	require.Equal(t, []Topic{topic}, r.Topics())
	o, ok := r.Object(1)
	require.True(t, ok)
	require.Equal(t, []Object{o}, r.Objects(Committed))
	n, ok := r.Node(1)
	require.True(t, ok)
	require.Equal(t, []Node{n}, r.Nodes())
	require.Len(t, r.Streams(), 1)
	require.Empty(t, r.BrokerConfigs("1"))
	_, ok = r.Topic("x")
	require.False(t, ok)
	_, ok = r.Stream(9)
	require.False(t, ok)
	_, ok = r.TopicByID([16]byte{2})
	require.False(t, ok)
	require.Panics(t, func() { r.Watch(nil) })
}

// TestReplicaPropose: when it returns, this replica shows the outcome, also of
// a command that changed nothing.
func TestReplicaPropose(t *testing.T) {
	l := NewLocal()
	r := NewReplica(l, quiet)
	run(t, r)
	for range 2 {
		res, err := r.Propose(t.Context(), CreateTopic{Name: "t", ID: TopicID{1}, Partitions: 1, Replication: 1})
		require.NoError(t, err)
		_, ok := r.Topic("t")
		require.True(t, ok)
		require.GreaterOrEqual(t, r.Index(), res.Index)
	}
	_, err := r.Propose(t.Context(), DeleteTopic{Name: "x"})
	require.ErrorIs(t, err, ErrUnknownTopic)
	require.NoError(t, r.Sync(t.Context()))
	require.EqualValues(t, 3, r.Index())
}

func TestReplicaTakesAnImage(t *testing.T) {
	l := newLocal(LogLimits{Entries: 2})
	propose(t, l, basics()...)
	r := NewReplica(l, quiet)
	shadow := NewImage()
	r.Watch(func(c Change) { shadow.Apply(c) })
	run(t, r)
	require.NoError(t, r.Sync(t.Context()))
	require.Equal(t, encodeImage(t, l.Image()), encodeImage(t, r.image))
	shadow.index = r.image.index
	require.Equal(t, encodeImage(t, r.image), encodeImage(t, shadow), "watchers can rebuild the image from what they hear")
	st := l.machine.Stats()
	require.Equal(t, MachineStats{Index: 6, LogEntries: 2, LogBytes: st.LogBytes, Dropped: 4, Images: 1}, st)

	res, err := r.Propose(t.Context(), commitOf(2, 1, 10, 20))
	require.NoError(t, err)
	s, _ := r.Stream(1)
	require.EqualValues(t, 20, s.End, "index %d", res.Index)
}

func TestReplicaWaitsAreCancelled(t *testing.T) {
	l := NewLocal()
	r := NewReplica(l, quiet)
	run(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.WaitFor(ctx, 1), context.Canceled)
	require.ErrorIs(t, r.Sync(ctx), context.Canceled)
	_, err := r.Propose(ctx, ExpireObjects{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = l.Propose(t.Context(), CommitObject{})
	require.ErrorIs(t, err, ErrInvalid)
}

func TestReplicaReportsItsController(t *testing.T) {
	l := NewLocal()
	r := NewReplica(l, quiet)
	l.machine.Close()
	require.ErrorIs(t, r.Run(t.Context()), ErrClosed)
}

// TestManyProposers: with -race, the whole way at once.
func TestManyProposers(t *testing.T) {
	l := newLocal(LogLimits{Entries: 5})
	r := NewReplica(l, quiet)
	run(t, r)
	propose(t, l, basics()[0])
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				name := string(rune('a' + i))
				_, err := r.Propose(t.Context(), CreateTopic{Name: name, ID: TopicID{byte(i), byte(j), 1}, Partitions: 2, Replication: 1})
				if err == nil {
					_, err = r.Propose(t.Context(), DeleteTopic{Name: name})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Empty(t, r.Topics())
	require.EqualValues(t, 1+8*20*2, r.Index())
}

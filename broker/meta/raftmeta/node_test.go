package raftmeta

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/broker/meta"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

func config(dir string) Config {
	return Config{Dir: dir, NodeID: 1, Logger: quiet, LockTimeout: 20 * time.Millisecond}
}

func open(t *testing.T, cfg Config) *Node {
	t.Helper()
	n, err := Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = n.Close() }) // again after the test's own: no harm
	return n
}

func propose(t *testing.T, c meta.Controller, cmds ...meta.Command) (last meta.Result) {
	t.Helper()
	for _, cmd := range cmds {
		res, err := c.Propose(t.Context(), cmd)
		require.NoError(t, err, "%#v", cmd)
		last = res
	}
	return last
}

func topic(i int) meta.Command {
	return meta.CreateTopic{Name: fmt.Sprintf("t%d", i), ID: meta.TopicID{byte(i), byte(i >> 8), 1}, Partitions: 2, Replication: 1}
}

// image is the node's state without its index, which noops do not move.
func image(t *testing.T, n *Node) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, n.machine.Image().Encode(&b))
	return b.String()
}

func TestRestartKeepsState(t *testing.T) {
	for _, when := range []string{"log", "snapshot", "snapshot and log"} {
		t.Run(when, func(t *testing.T) {
			cfg := config(filepath.Join(t.TempDir(), "a", "b"))
			cfg.TrailingLogs = 1
			n := open(t, cfg)
			first := propose(t, n, meta.RegisterNode{NodeID: 1, Advertise: "h:1"}, topic(1), meta.WALOpened{NodeID: 1, Epoch: 1})
			if when != "log" {
				require.NoError(t, n.Snapshot())
				at, _, err := bounds(n.store)
				require.NoError(t, err)
				require.Greater(t, at, uint64(1), "the log is cut behind the snapshot")
			}
			if when == "snapshot and log" {
				propose(t, n, topic(2), meta.OpenStream{StreamID: 1, NodeID: 1, NodeEpoch: 1, StreamEpoch: 1})
			}
			want := image(t, n)
			require.NoError(t, n.Close())

			n = open(t, cfg)
			require.Equal(t, want, image(t, n))
			res := propose(t, n, meta.RegisterNode{NodeID: 1, Advertise: "h:1"})
			require.EqualValues(t, 2, res.NodeEpoch)
			require.Greater(t, res.Index, first.Index)
		})
	}
}

// TestReplicaAcrossRestart: a follower that was ahead of the restart goes on
// with changes; one from before the snapshot gets an image.
func TestReplicaAcrossRestart(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.TrailingLogs = 1
	n := open(t, cfg)
	early := propose(t, n, topic(1))
	propose(t, n, topic(2))
	require.NoError(t, n.Snapshot())
	late := propose(t, n, topic(3))
	require.NoError(t, n.Close())

	n = open(t, cfg)
	next := propose(t, n, topic(4))
	u, err := n.Follow(t.Context(), late.Index)
	require.NoError(t, err)
	require.Nil(t, u.Image)
	require.Len(t, u.Entries, 1)
	require.Equal(t, next.Index, u.Index)
	u, err = n.Follow(t.Context(), early.Index)
	require.NoError(t, err)
	require.NotNil(t, u.Image)
	require.Len(t, u.Image.Topics(), 4)

	r := meta.NewReplica(n, quiet)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	require.NoError(t, r.Sync(t.Context()))
	require.Len(t, r.Topics(), 4)
	_, err = r.Propose(t.Context(), topic(5))
	require.NoError(t, err)
	require.Len(t, r.Topics(), 5)
	stop()
	require.NoError(t, <-done)
	require.EqualValues(t, 2, n.Stats().Images)
}

// TestSnapshotsHappen: the log does not grow for ever.
func TestSnapshotsHappen(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.SnapshotThreshold, cfg.TrailingLogs, cfg.SnapshotInterval = 5, 1, 5*time.Millisecond
	n := open(t, cfg)
	for i := 0; ; i++ {
		propose(t, n, topic(i%200), meta.DeleteTopic{Name: fmt.Sprintf("t%d", i%200)}, meta.RegisterNode{NodeID: 1})
		if first, _, err := bounds(n.store); err != nil || first > 1 {
			require.NoError(t, err)
			return
		}
	}
}

func TestConcurrentProposals(t *testing.T) {
	n := open(t, config(t.TempDir()))
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if _, err := n.Propose(t.Context(), topic(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Len(t, n.machine.Image().Topics(), 40)
	require.Empty(t, n.slots)
}

func TestRefusalsComeBack(t *testing.T) {
	n := open(t, config(t.TempDir()))
	_, err := n.Propose(t.Context(), meta.DeleteTopic{Name: "x"})
	require.ErrorIs(t, err, meta.ErrUnknownTopic)
	_, err = n.Propose(t.Context(), meta.CommitObject{})
	require.ErrorIs(t, err, meta.ErrInvalid)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = n.Propose(ctx, topic(1))
	require.ErrorIs(t, err, context.Canceled)
	_, err = n.Barrier(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestClosed(t *testing.T) {
	n := open(t, config(t.TempDir()))
	propose(t, n, topic(1))
	require.NoError(t, n.Close())
	require.NoError(t, n.Close())
	_, err := n.Propose(t.Context(), topic(2))
	require.ErrorIs(t, err, meta.ErrClosed)
	_, err = n.Barrier(t.Context())
	require.ErrorIs(t, err, meta.ErrClosed)
	_, err = n.Follow(t.Context(), 1000)
	require.ErrorIs(t, err, meta.ErrClosed)
	require.Empty(t, n.Failed(), "closing is no failure")
}

func TestValidate(t *testing.T) {
	err := Config{NodeID: -1, Listen: "x", Peers: []Peer{{NodeID: 3}}, ApplyTimeout: -1, SnapshotInterval: -1}.Validate()
	for _, part := range []string{"Dir is empty", "NodeID is -1", "timeout is negative", "SnapshotInterval", "Listen: ", "do not include"} {
		require.ErrorContains(t, err, part)
	}
	require.ErrorContains(t, Config{Dir: "d", Peers: []Peer{{}, {NodeID: 1}}}.Validate(), "2 Peers without Listen")
	_, err = Open(Config{})
	require.ErrorContains(t, err, "Dir is empty")
}

package raftmeta

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/meta"
)

// ports finds addresses that nobody listens on now.
func ports(t *testing.T, n int) []string {
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		out = append(out, l.Addr().String())
	}
	return out
}

// quorum starts three voters over TCP.
func quorum(t *testing.T) []*Node {
	var peers []Peer
	for i, addr := range ports(t, 3) {
		peers = append(peers, Peer{NodeID: int32(i), Address: addr})
	}
	var nodes []*Node
	for i, p := range peers {
		cfg := config(t.TempDir())
		cfg.NodeID, cfg.Listen, cfg.Peers = int32(i), p.Address, peers
		cfg.election = 200 * time.Millisecond
		nodes = append(nodes, open(t, cfg))
	}
	return nodes
}

// lead proposes until one of the nodes takes it, and returns that one.
func lead(t *testing.T, nodes []*Node, cmd meta.Command) *Node {
	for {
		for _, n := range nodes {
			if _, err := n.Propose(t.Context(), cmd); err == nil {
				return n
			}
		}
		require.NoError(t, t.Context().Err())
	}
}

// TestQuorum: what makes a cluster is configuration.
func TestQuorum(t *testing.T) {
	nodes := quorum(t)
	leader := lead(t, nodes, topic(1))
	index, err := leader.Barrier(t.Context())
	require.NoError(t, err)
	var rest []*Node
	for _, n := range nodes {
		if n == leader {
			continue
		}
		rest = append(rest, n)
		u, err := n.Follow(t.Context(), index-1) // waits until it has the topic
		require.NoError(t, err)
		require.GreaterOrEqual(t, u.Index, index)
		require.Len(t, n.machine.Image().Topics(), 1)
		_, err = n.Propose(t.Context(), topic(2))
		require.ErrorIs(t, err, meta.ErrNotLeader)
		var nl *meta.NotLeaderError
		require.True(t, errors.As(err, &nl))
		require.Equal(t, leader.cfg.Listen, nl.Leader)
		_, err = n.Barrier(t.Context())
		require.ErrorIs(t, err, meta.ErrNotLeader)
	}
	require.NoError(t, leader.Close())
	next := lead(t, rest, topic(2))
	require.Len(t, next.machine.Image().Topics(), 2)
}

func TestListenFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	cfg := config(t.TempDir())
	cfg.Listen = l.Addr().String()
	_, err = Open(cfg)
	require.ErrorContains(t, err, cfg.Listen)
	cfg.Advertise = "no port"
	_, err = Open(cfg)
	require.ErrorContains(t, err, "advertised address")
	cfg.Advertise = "0.0.0.0:1"
	_, err = Open(cfg)
	require.ErrorContains(t, err, "cannot dial it")
}

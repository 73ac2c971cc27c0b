package raftmeta

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/tidelog/tide/broker/meta"
)

// ErrStalled: a proposal was not applied within Config.StallTimeout.
var ErrStalled = errors.New("raftmeta: log has stalled")

// Propose implements meta.Controller. Proposals made at the same time share a
// transaction of the log.
func (n *Node) Propose(ctx context.Context, cmd meta.Command) (meta.Result, error) {
	data, err := encodeEntry(cmd)
	if err != nil {
		return meta.Result{}, err
	}
	a, err := n.submit(ctx, func() raft.Future { return n.raft.Apply(data, n.cfg.ApplyTimeout) })
	if err != nil {
		return meta.Result{}, err
	}
	return a.result, a.err
}

// Barrier implements meta.Controller: the entry that it commits says that this
// node still led, and everything before it is applied.
func (n *Node) Barrier(ctx context.Context) (uint64, error) {
	a, err := n.submit(ctx, func() raft.Future { return n.raft.Barrier(n.cfg.ApplyTimeout) })
	if err == nil {
		err = a.err
	}
	if err != nil {
		return 0, err
	}
	return n.machine.Index(), nil
}

// Follow implements meta.Controller. Any voter serves it, the leader or not.
func (n *Node) Follow(ctx context.Context, after uint64) (meta.Update, error) {
	return n.machine.Follow(ctx, after)
}

// submit runs one proposal on a goroutine of its own, because raft's futures
// know no context, and waits for it as long as ctx wants.
func (n *Node) submit(ctx context.Context, start func() raft.Future) (answer, error) {
	select {
	case n.slots <- struct{}{}:
	case <-ctx.Done():
		return answer{}, ctx.Err()
	case <-n.down:
		return answer{}, n.err()
	}
	done := make(chan answer, 1)
	go func() {
		defer func() { <-n.slots }()
		// The watchdog belongs to the proposal, not to its caller, who may have
		// less patience than the disk deserves.
		dog := time.AfterFunc(n.cfg.StallTimeout, n.stalled)
		defer dog.Stop()
		done <- n.await(start())
	}()
	select {
	case a := <-done:
		return a, nil
	case <-ctx.Done():
		return answer{}, fmt.Errorf("raftmeta: outcome not known: %w", ctx.Err())
	}
}

func (n *Node) stalled() {
	n.fail(fmt.Errorf("%w: %s: a proposal has waited %s; its disk hangs or the quorum is lost",
		ErrStalled, n.cfg.Dir, n.cfg.StallTimeout))
}

// await waits for a future, or for the node to go down: raft answers neither
// what its state machine had in its queue when it stopped, nor what hangs in a
// write.
func (n *Node) await(f raft.Future) answer {
	got := make(chan error, 1)
	go func() { got <- f.Error() }()
	select {
	case err := <-got:
		if err != nil {
			return answer{err: n.translate(err)}
		}
	case <-n.down:
		return answer{err: n.err()}
	}
	if af, ok := f.(raft.ApplyFuture); ok {
		if a, ok := af.Response().(answer); ok {
			return a
		}
	}
	return answer{}
}

// translate says what a failed future means to the caller. When the node is
// down that is the reason, whatever raft made of it.
func (n *Node) translate(err error) error {
	if down := n.err(); down != nil {
		return down
	}
	if errors.Is(err, raft.ErrNotLeader) {
		return &meta.NotLeaderError{Leader: n.Leader()}
	}
	return fmt.Errorf("raftmeta: outcome not known: %w", err)
}

// Leader is the address of the leader's raft, "" when none is known.
func (n *Node) Leader() string {
	addr, _ := n.raft.LeaderWithID()
	return string(addr)
}

// Stats are the state machine's: its index and its change log.
func (n *Node) Stats() meta.MachineStats { return n.machine.Stats() }

// Snapshot writes one now and lets the log behind it go; raft does so by itself
// after Config.SnapshotThreshold entries.
func (n *Node) Snapshot() error {
	err := n.raft.Snapshot().Error()
	if errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return nil
	}
	return err
}

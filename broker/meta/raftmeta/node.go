package raftmeta

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/tidelog/tide/broker/meta"
)

// Node is one voter of the quorum, and a meta.Controller. Safe for concurrent use.
type Node struct {
	cfg     Config
	store   *latch
	machine *meta.Machine
	raft    *raft.Raft
	trans   raft.Transport
	slots   chan struct{} // proposals under way, at most maxProposals

	failed chan error    // gets the first failure
	down   chan struct{} // closed by the first failure, or by Close

	mu      sync.Mutex
	failure error       // guarded by mu; why the node is down
	stop    raft.Future // guarded by mu; raft gives only the first Shutdown one that waits
}

var _ meta.Controller = (*Node)(nil)

// maxProposals bounds what waits for the log. The next one waits for a slot.
const maxProposals = 1024

// closeTimeout bounds Close: a goroutine of raft in a write that hangs does not
// come back.
const closeTimeout = 10 * time.Second

// Open starts the node. A quorum of one comes back as the leader with all of its
// log applied; a voter of several as soon as its raft runs. ErrInUse and
// ErrDamaged say what is wrong with Dir.
func Open(cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	n := &Node{
		cfg:     cfg,
		machine: meta.NewMachine(cfg.ChangeLog),
		slots:   make(chan struct{}, maxProposals),
		failed:  make(chan error, 1),
		down:    make(chan struct{}),
	}
	bolt, err := openStore(cfg.Dir, cfg.LockTimeout)
	if err != nil {
		return nil, err
	}
	n.store = newLatch(cfg.wrap(bolt), n.fail)
	if err := n.start(); err != nil {
		if f := n.err(); f != nil {
			err = f // raft's own errors carry the text of their cause, not the cause
		}
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// newRaft is raft.NewRaft, which panics where it cannot save its term or read
// an entry of the log.
func (n *Node) newRaft(rc *raft.Config, snaps raft.SnapshotStore) (r *raft.Raft, err error) {
	defer func() {
		if p := recover(); p != nil {
			r, err = nil, fmt.Errorf("starting raft: %v", p)
		}
	}()
	return raft.NewRaft(rc, &fsm{machine: n.machine, fail: n.fail}, n.store, n.store, snaps, n.trans)
}

func (n *Node) start() error {
	rc := n.cfg.raftConfig()
	snaps, err := raft.NewFileSnapshotStoreWithLogger(n.cfg.Dir, keepSnapshot, rc.Logger)
	if err != nil {
		return fmt.Errorf("raftmeta: snapshots in %s: %w", n.cfg.Dir, err)
	}
	if err := checkSnapshots(n.cfg.Dir, snaps, n.store); err != nil {
		return err
	}
	if err := n.listen(rc); err != nil {
		return err
	}
	if err := n.bootstrap(rc, snaps); err != nil {
		return err
	}
	r, err := n.newRaft(rc, snaps)
	if err != nil {
		return damaged(n.cfg.Dir, err)
	}
	n.store.arm()
	n.setRaft(r)
	if err := n.checkOwner(); err != nil {
		return err
	}
	if n.cfg.Listen == "" {
		return n.lead()
	}
	return nil
}

func (n *Node) listen(rc *raft.Config) error {
	if n.cfg.Listen == "" {
		_, n.trans = raft.NewInmemTransport(raft.ServerAddress(n.cfg.address()))
		return nil
	}
	layer, err := listenTCP(n.cfg.Listen, n.cfg.Advertise)
	if err != nil {
		return err
	}
	const pool, timeout = 3, 10 * time.Second // connections to each peer; for one RPC's I/O
	n.trans = raft.NewNetworkTransportWithLogger(layer, pool, timeout, rc.Logger)
	return nil
}

// bootstrap writes the first voters into an empty directory. It is two
// transactions, the term and the entry. A crash between them leaves a term and
// no log, which raft takes for a voter that was never told of its quorum, and
// waits for ever: such a directory is as good as empty, unless it voted.
func (n *Node) bootstrap(rc *raft.Config, snaps raft.SnapshotStore) error {
	if half, err := n.halfMade(snaps); err != nil {
		return err
	} else if half {
		if err := n.store.SetUint64([]byte("CurrentTerm"), 0); err != nil {
			return err
		}
	}
	err := raft.BootstrapCluster(rc, n.store, n.store, snaps, n.trans, n.cfg.servers())
	if err != nil && !errors.Is(err, raft.ErrCantBootstrap) {
		return fmt.Errorf("raftmeta: first start in %s: %w", n.cfg.Dir, err)
	}
	return nil
}

func (n *Node) halfMade(snaps raft.SnapshotStore) (bool, error) {
	list, err := snaps.List()
	if err != nil {
		return false, damaged(n.cfg.Dir, err)
	}
	last, err := n.store.LastIndex()
	if err != nil {
		return false, damaged(n.cfg.Dir, err)
	}
	term, _ := n.store.GetUint64([]byte("CurrentTerm")) // no such key: no term
	_, err = n.store.GetUint64([]byte("LastVoteTerm"))
	voted := err == nil
	return len(list) == 0 && last == 0 && term == 1 && !voted, nil
}

// checkOwner refuses the directory of another node.
func (n *Node) checkOwner() error {
	f := n.raft.GetConfiguration()
	if err := f.Error(); err != nil {
		return fmt.Errorf("raftmeta: %w", err)
	}
	servers := f.Configuration().Servers
	for _, s := range servers {
		if s.ID == serverID(n.cfg.NodeID) {
			return nil
		}
	}
	// A voter that joins later starts with no configuration and is told one.
	if len(servers) == 0 && n.cfg.Listen != "" {
		return nil
	}
	return fmt.Errorf("raftmeta: %s belongs to the quorum of %v, node %d is not in it; "+
		"give the node its own directory, or its own id back", n.cfg.Dir, servers, n.cfg.NodeID)
}

// lead waits until the quorum of one has elected itself and replayed its log.
func (n *Node) lead() error {
	timer := time.NewTimer(n.cfg.StallTimeout)
	defer timer.Stop()
	select {
	case <-n.raft.LeaderCh():
	case <-n.down:
		return n.err()
	case <-timer.C:
		return fmt.Errorf("raftmeta: node %d has not elected itself within %s", n.cfg.NodeID, n.cfg.StallTimeout)
	}
	return n.await(n.raft.Barrier(n.cfg.ApplyTimeout)).err
}

// Failed gets one error when the node can go on no longer: its log failed, hangs,
// or holds what it cannot read. The broker has to stop then; nothing is
// acknowledged any more.
func (n *Node) Failed() <-chan error { return n.failed }

// fail is called by whoever finds the failure, raft's own goroutines included:
// it must not wait for raft. Shutdown does not; it tells raft to take no
// further step, above all not to elect itself on a log that has failed.
func (n *Node) fail(err error) {
	n.mu.Lock()
	first := n.failure == nil
	if first {
		n.failure = err
		close(n.down)
		n.failed <- err
	}
	n.mu.Unlock()
	n.shutdown()
	if first {
		n.cfg.Logger.Error("metadata log failed", "dir", n.cfg.Dir, "err", err)
	}
}

// err is why the node is down.
func (n *Node) err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.failure
}

func (n *Node) setRaft(r *raft.Raft) {
	n.mu.Lock()
	n.raft = r
	failed := n.failure != nil
	n.mu.Unlock()
	if failed {
		n.shutdown()
	}
}

// shutdown tells raft to stop, once, and gives what waits for it; nil when raft
// never started.
func (n *Node) shutdown() raft.Future {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stop == nil && n.raft != nil {
		n.stop = n.raft.Shutdown()
	}
	return n.stop
}

// Close stops the node and lets go of the directory. What was proposed and not
// answered gets ErrClosed.
func (n *Node) Close() error {
	n.mu.Lock()
	if n.failure == nil {
		n.failure = meta.ErrClosed
		close(n.down)
	}
	n.mu.Unlock()
	n.machine.Close()
	if f := n.shutdown(); f != nil {
		done := make(chan error, 1)
		go func() { done <- f.Error() }() // it also closes the transport
		timer := time.NewTimer(closeTimeout)
		defer timer.Stop()
		select {
		case err := <-done:
			return errors.Join(err, n.store.Close())
		case <-timer.C:
			return fmt.Errorf("raftmeta: raft in %s has not stopped within %s: its disk hangs", n.cfg.Dir, closeTimeout)
		}
	}
	if c, ok := n.trans.(raft.WithClose); ok {
		return errors.Join(c.Close(), n.store.Close())
	}
	return n.store.Close()
}

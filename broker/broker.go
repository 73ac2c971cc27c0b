// Package broker wires the reference broker together: the way of writing the
// WAL, the store, the metadata quorum, the engine, the partitions, the group
// coordinator and the Kafka listener. It holds no logic of its own beyond the
// order in which they start and stop.
//
//	Open   meta quorum → replica → store, caches, WAL → engine (recovers) → partitions → groups → upkeep
//	Serve  Kafka listener, admin listener, until ctx ends or a part fails
//	Close  the reverse: listener, engine (uploads what the WAL holds), replica, quorum
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/compact"
	"github.com/tidelog/tide/broker/group"
	"github.com/tidelog/tide/broker/logcache"
	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/meta/raftmeta"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/fault"
	"github.com/tidelog/tide/broker/objstore/shape"
	"github.com/tidelog/tide/broker/partition"
	"github.com/tidelog/tide/broker/stream"
	"github.com/tidelog/tide/broker/upload"
	"github.com/tidelog/tide/broker/wal"
	"github.com/tidelog/tide/broker/wire"
	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/cacheexp/trace"
	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/open"
)

// Broker is one running node.
type Broker struct {
	cfg Config
	log *slog.Logger

	kafka, admin net.Listener
	path         iopath.Path
	requests     *objstore.CountedStore // counts what really goes to the store
	faults       *fault.Store           // around the store; nil but for FaultInjection
	store        *shape.Store           // shares it out by class; what the parts see
	quorum       *raftmeta.Node
	replica      *meta.Replica
	cache        *logcache.Cache
	blocks       *blockcache.Cache
	trace        *trace.Recorder // nil: nothing is recorded
	engine       *stream.Engine
	logWatch     *logWatch
	partitions   *partition.Manager
	groups       *group.Coordinator
	cleaner      *compact.Cleaner
	compactor    *compact.Compactor
	retained     retained
	server       *wire.Server

	failing context.Context                   // ends when a part fails for good; the cause says why
	fail    context.CancelCauseFunc           // ends failing
	changes atomic.Pointer[func(meta.Change)] // who watches the replica
	deleted chan string                       // topics whose committed offsets are to go
	loaded  atomic.Bool                       // the committed offsets are there
	closers []func() error                    // what Open acquired, in order; closed in reverse
}

// Open starts everything but the listeners' loops, and returns when the WAL
// has been recovered and the broker can serve.
func Open(ctx context.Context, cfg Config) (*Broker, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := &Broker{cfg: cfg, log: cfg.Logger, deleted: make(chan string, 1024), logWatch: newLogWatch()}
	b.failing, b.fail = context.WithCancelCause(context.Background())
	// A part that fails while others still open must not leave them waiting.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(b.failing, func() { cancel(context.Cause(b.failing)) })()
	for _, step := range []func(context.Context) error{
		b.listen, b.openMeta, b.openStore, b.openCaches, b.openEngine, b.openPartitions, b.openGroups, b.openServer,
		b.openUpkeep,
	} {
		err := step(ctx)
		if errors.Is(err, stream.ErrHung) {
			return nil, err // see release
		}
		if err != nil {
			return nil, errors.Join(err, b.release())
		}
	}
	return b, nil
}

// onClose registers what release undoes.
func (b *Broker) onClose(fn func() error) { b.closers = append(b.closers, fn) }

// release closes what Open acquired, newest first. It stops where a call of
// the store hangs: the rest is memory that the call may still read, and the
// process is about to end.
func (b *Broker) release() error {
	var errs []error
	for i := len(b.closers) - 1; i >= 0; i-- {
		err := b.closers[i]()
		errs = append(errs, err)
		if errors.Is(err, stream.ErrHung) {
			break
		}
	}
	b.closers = nil
	return errors.Join(errs...)
}

// listen takes the ports first: another broker on them is the commonest
// mistake, and the engine must know what to advertise.
func (b *Broker) listen(context.Context) (err error) {
	if b.kafka, err = net.Listen("tcp", b.cfg.Listen); err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	b.onClose(func() error { return ignoreClosed(b.kafka.Close()) })
	if b.admin, err = net.Listen("tcp", b.cfg.Admin); err != nil {
		return fmt.Errorf("--admin: %w", err)
	}
	b.onClose(func() error { return ignoreClosed(b.admin.Close()) })
	if b.cfg.Advertise == "" {
		b.cfg.Advertise = b.kafka.Addr().String()
	}
	return nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// openMeta starts the quorum and the local replica that follows it. The
// partitions watch the replica, and need the engine, which needs the replica:
// so it is watched from the start, on behalf of whoever comes.
func (b *Broker) openMeta(context.Context) (err error) {
	b.quorum, err = raftmeta.Open(raftmeta.Config{Dir: filepath.Join(b.cfg.Data, "meta"), NodeID: b.cfg.NodeID, Logger: b.log})
	if err != nil {
		return err
	}
	b.onClose(b.quorum.Close)
	b.replica = meta.NewReplica(b.quorum, b.log)
	b.replica.Watch(b.watch)
	b.background(b.replica.Run)
	b.background(func(ctx context.Context) error { return b.watchFailure(ctx, b.quorum.Failed()) })
	return nil
}

// watchFailure ends the broker with the first error of a part.
func (b *Broker) watchFailure(ctx context.Context, failed <-chan error) error {
	select {
	case err := <-failed:
		b.fail(err)
	case <-ctx.Done():
	}
	return nil
}

// watch passes changes on. It must not block.
func (b *Broker) watch(c meta.Change) {
	if fn := b.changes.Load(); fn != nil {
		(*fn)(c)
	}
	// Before the offsets are loaded the replica repeats what an earlier life has
	// seen, and dealt with: the name may belong to another topic by now.
	if gone, ok := c.(meta.TopicDeleted); ok && b.loaded.Load() {
		select {
		case b.deleted <- gone.Name:
		default:
			b.log.Warn("too many topics deleted at once: committed offsets of one stay until they expire", "topic", gone.Name)
		}
	}
}

// forgetOffsets deletes the committed offsets of deleted topics.
func (b *Broker) forgetOffsets(ctx context.Context) error {
	for {
		select {
		case topic := <-b.deleted:
			if err := b.groups.ForgetTopic(ctx, topic); err != nil && ctx.Err() == nil {
				b.log.Warn("committed offsets of a deleted topic stay until they expire", "topic", topic, "error", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// openStore opens the store and waits until it answers.
func (b *Broker) openStore(ctx context.Context) error {
	store, err := openStore(ctx, b.cfg.Store, b.cfg.UploadPart, b.beside(), b.log)
	if err != nil {
		return fmt.Errorf("--store: %w", err)
	}
	store = b.injectFaults(store)
	b.requests = objstore.Counted(store)
	b.onClose(b.requests.Close)
	if b.store, err = shape.New(b.requests, b.cfg.shape()); err != nil {
		return err
	}
	if s, ok := objstore.As[objstore.Simulated](store); ok {
		b.log.Warn("the object store is simulated: results say nothing about a real one", "model", s.Simulated())
	}
	if err := awaitStore(ctx, store, b.log); err != nil {
		return fmt.Errorf("--store: %w", err)
	}
	b.background(b.sweepStore)
	return nil
}

func (b *Broker) openCaches(context.Context) (err error) {
	if b.cache, err = logcache.New(logcache.Config{Size: b.cfg.LogCache}); err != nil {
		return err
	}
	b.onClose(b.cache.Close)
	ahead, err := prefetch.New(b.cfg.Prefetch)
	if err != nil {
		return fmt.Errorf("--prefetch: %w", err)
	}
	recorder, err := b.openTrace()
	if err != nil {
		return err
	}
	b.blocks, err = blockcache.New(blockcache.Config{
		Store: b.store, Size: b.cfg.BlockCache, Prefetch: ahead, Verify: partition.VerifyStored, Recorder: recorder,
		Policy: func(capacity int64) policy.Policy {
			p, err := policy.New(b.cfg.Policy, capacity)
			if err != nil {
				panic(err) // Validate has made one
			}
			return p
		},
	})
	if err != nil {
		return err
	}
	b.onClose(func() error { b.blocks.Close(); return nil })
	return nil
}

// openEngine opens the WAL's path and recovers.
func (b *Broker) openEngine(ctx context.Context) error {
	spec, err := iopath.ParseURL(b.cfg.WAL)
	if err != nil {
		return fmt.Errorf("--wal: %w", err)
	}
	sized := spec
	sized.Depth = wal.PathDepth(spec)
	if b.path, err = open.Path(sized, open.Options{ArenaSize: walArena, Logger: b.log}); err != nil {
		return fmt.Errorf("--wal: %w", err)
	}
	b.onClose(b.path.Close)
	log := wal.FromSpec(spec)
	log.Path, log.Logger = b.path, b.log
	b.engine, err = stream.Open(ctx, stream.Config{
		NodeID: b.cfg.NodeID, Advertise: b.cfg.Advertise, WAL: log,
		Cache: b.cache, Blocks: b.blocks, Meta: b.replica,
		Upload: upload.Config{
			Store: b.store, Folder: partition.Folder{}, BlockSize: int(b.cfg.ObjectBlock), Split: b.cfg.ObjectSplit, Logger: b.log,
		},
		UploadThreshold: b.cfg.UploadThreshold, UploadInterval: b.cfg.UploadInterval,
		AcceptLoss: b.cfg.AcceptLoss, DiscardWAL: b.cfg.DiscardWAL, Logger: b.log,
	})
	if err != nil {
		return err
	}
	b.logWatch.engine.Store(b.engine)
	b.onClose(b.closeEngine)
	b.background(func(ctx context.Context) error { return b.watchFailure(ctx, b.engine.Failed()) })
	b.background(b.yield)
	return nil
}

// closeTimeout is how long a stop may take to upload what the WAL holds. What
// is left then is recovered at the next start.
const closeTimeout = 30 * time.Second

func (b *Broker) closeEngine() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return b.engine.Close(ctx)
}

// openPartitions opens every partition that this node leads.
func (b *Broker) openPartitions(ctx context.Context) (err error) {
	b.partitions, err = partition.NewManager(partition.Config{
		Engine: b.engine, Meta: watched{b.replica, &b.changes}, NodeID: b.cfg.NodeID, Logger: b.log,
	})
	if err != nil {
		return err
	}
	for _, t := range b.replica.Topics() {
		if err := b.partitions.Ensure(ctx, t.Name); err != nil {
			return err
		}
	}
	b.background(b.partitions.Run)
	return nil
}

// background runs fn until release.
func (b *Broker) background(fn func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	b.onClose(func() error {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	})
}

// openGroups makes the topic that keeps committed offsets, when it is not
// there yet, and reads it.
func (b *Broker) openGroups(ctx context.Context) (err error) {
	b.groups, err = group.New(group.Config{Topics: topicNames{b.replica}, Logger: b.log})
	if err != nil {
		return err
	}
	b.onClose(func() error { b.groups.Close(); return nil })
	if _, ok := b.replica.Topic(group.TopicName); !ok {
		_, err := b.replica.Propose(ctx, meta.CreateTopic{
			NodeID: b.cfg.NodeID, NodeEpoch: b.engine.Epoch(), Name: group.TopicName, ID: wire.RandomTopicID(),
			Partitions: 1, Replication: 1, Internal: true, Configs: map[string]string{"cleanup.policy": "compact"},
		})
		if err != nil {
			return fmt.Errorf("create %s: %w", group.TopicName, err)
		}
	}
	if err := b.partitions.Ensure(ctx, group.TopicName); err != nil {
		return err
	}
	p, err := b.partitions.Get(group.TopicName, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", group.TopicName, err)
	}
	if err := b.groups.Load(ctx, group.PartitionLog(p, b.engine.Commit)); err != nil {
		return err
	}
	b.loaded.Store(true)
	b.background(b.forgetOffsets)
	return nil
}

func (b *Broker) openServer(context.Context) (err error) {
	b.server, err = wire.New(wire.Config{
		Partitions: wire.FromManager(b.partitions), Metadata: b.replica, Cluster: cluster{b}, Groups: b.groups,
		Commit: b.engine.Commit, NodeID: b.cfg.NodeID, NodeEpoch: b.engine.Epoch, Logger: b.log,
		DisableAutoCreate: b.cfg.NoAutoCreate, Limits: wire.Limits{BufferedBytes: frameMemory()},
	})
	return err
}

// KafkaAddr is where the broker listens for clients, with the real port.
func (b *Broker) KafkaAddr() string { return b.kafka.Addr().String() }

// AdminAddr is where metrics and the live page are, with the real port.
func (b *Broker) AdminAddr() string { return b.admin.Addr().String() }

// Serve serves clients until ctx ends, then closes; or until a part fails,
// and then returns why. Whatever ends it, what was acknowledged is safe: in
// the store, or in the WAL for the next start.
func (b *Broker) Serve(ctx context.Context) error {
	web := &http.Server{Handler: b.adminHandler(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 2)
	go func() { failed <- ignoreServed(b.server.Serve(b.kafka)) }()
	go func() { failed <- ignoreClosed(web.Serve(b.admin)) }()
	var err error
	select {
	case <-ctx.Done():
		b.log.Info("stopping: uploading what the WAL holds", "at_most", closeTimeout)
	case err = <-failed:
	case <-b.failing.Done():
		err = context.Cause(b.failing)
	}
	shut, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	errs := []error{err, b.server.Close(shut), b.release(), ignoreClosed(web.Close())}
	return errors.Join(errs...)
}

func ignoreServed(err error) error {
	if errors.Is(err, wire.ErrServerClosed) {
		return nil
	}
	return err
}

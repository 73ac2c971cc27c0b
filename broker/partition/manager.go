package partition

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidelog/tide/broker/meta"
	"github.com/twmb/franz-go/pkg/kerr"
	"golang.org/x/sync/errgroup"
)

// opensAtOnce bounds the streams that one topic opens in parallel. Each takes
// a command of its own through raft, which commits them in batches.
const opensAtOnce = 32

// Manager holds the partitions that this node leads. It opens them as the
// metadata gives them to it (Run), and drops them as it takes them away.
type Manager struct {
	cfg   Config
	index atomic.Pointer[index]

	mu      sync.Mutex
	streams map[int64]*Partition // guarded by mu; by stream id
	dirty   map[string]struct{}  // guarded by mu; topics that Run must look at
	wake    chan struct{}        // capacity 1; dirty is not empty
}

// index finds topics. It is replaced, never changed.
type index struct {
	byName map[string]*topicEntry
	byID   map[meta.TopicID]*topicEntry
}

// topicEntry is one topic, as far as this node has to do with it.
type topicEntry struct {
	name  string
	id    meta.TopicID
	parts []*atomic.Pointer[Partition] // to nil: not led by this node, or not open yet

	opening chan struct{} // holds a token while partitions are being opened
}

// NewManager must be called before the replica runs: it watches its changes.
func NewManager(cfg Config) (*Manager, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Manager{
		cfg: cfg, streams: make(map[int64]*Partition), dirty: make(map[string]struct{}), wake: make(chan struct{}, 1),
	}
	m.index.Store(&index{})
	cfg.Meta.Watch(m.changed)
	return m, nil
}

// Get finds a partition that this node leads. kerr.UnknownTopicOrPartition
// when there is none of that name and number, kerr.NotLeaderForPartition when
// another node leads it or it is not open yet.
func (m *Manager) Get(topic string, p int32) (*Partition, error) {
	t := m.index.Load().byName[topic]
	if t == nil {
		return nil, m.absent(topic, p)
	}
	return t.get(p)
}

// GetByID is Get by topic id, with kerr.UnknownTopicID for one that is not
// there (yet: clients try again).
func (m *Manager) GetByID(id [16]byte, p int32) (*Partition, error) {
	t := m.index.Load().byID[id]
	if t == nil {
		return nil, kerr.UnknownTopicID
	}
	return t.get(p)
}

func (t *topicEntry) get(p int32) (*Partition, error) {
	if p < 0 || int(p) >= len(t.parts) {
		return nil, kerr.UnknownTopicOrPartition
	}
	if part := t.parts[p].Load(); part != nil {
		return part, nil
	}
	return nil, kerr.NotLeaderForPartition
}

// absent says why a topic is not in the index: the metadata may know it, and
// Run has not come to it yet.
func (m *Manager) absent(topic string, p int32) error {
	t, ok := m.cfg.Meta.Topic(topic)
	if !ok || p < 0 || int(p) >= len(t.Partitions) {
		return kerr.UnknownTopicOrPartition
	}
	return kerr.NotLeaderForPartition
}

// All are the partitions that this node leads, in no order.
func (m *Manager) All() []*Partition {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]*Partition, 0, len(m.streams))
	for _, p := range m.streams {
		out = append(out, p)
	}
	return out
}

// Run opens partitions until ctx ends. What cannot be opened is tried again.
func (m *Manager) Run(ctx context.Context) error {
	for _, t := range m.cfg.Meta.Topics() {
		m.mark(t.Name)
	}
	retry := time.NewTimer(m.cfg.RetryAfter)
	defer retry.Stop()
	for {
		if m.openDirty(ctx) {
			retry.Reset(m.cfg.RetryAfter)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-m.wake:
		case <-retry.C:
		}
	}
}

// openDirty opens what the changed topics give to this node. It tells whether
// something failed and must be tried again.
func (m *Manager) openDirty(ctx context.Context) (failed bool) {
	m.mu.Lock()
	dirty := m.dirty
	m.dirty = make(map[string]struct{})
	m.mu.Unlock()
	for topic := range dirty {
		err := m.Ensure(ctx, topic)
		if err == nil || errors.Is(err, kerr.UnknownTopicOrPartition) || ctx.Err() != nil {
			continue
		}
		m.cfg.Logger.Warn("partitions could not be opened, trying again", "topic", topic, "error", err)
		m.mu.Lock()
		m.dirty[topic] = struct{}{} // no wake: the timer paces it
		m.mu.Unlock()
		failed = true
	}
	return failed
}

// Ensure opens the partitions of a topic that this node leads and returns when
// they can be used. Whoever has just created a topic calls it, so that the
// client's first request finds them.
func (m *Manager) Ensure(ctx context.Context, topic string) error {
	t, ok := m.cfg.Meta.Topic(topic)
	if !ok {
		return fmt.Errorf("topic %s: %w", topic, kerr.UnknownTopicOrPartition)
	}
	e := m.adopt(t)
	select {
	case e.opening <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("topic %s: %w: %w", topic, kerr.RequestTimedOut, ctx.Err())
	}
	defer func() { <-e.opening }()
	// Read again under the token: whoever comes last has the newest topic, so
	// configurations that change while partitions are being opened, which
	// marks the topic, win in the end.
	if t, ok = m.cfg.Meta.Topic(topic); !ok || t.ID != e.id {
		return fmt.Errorf("topic %s: %w", topic, kerr.UnknownTopicOrPartition)
	}
	return m.openAll(ctx, e, t)
}

// openAll gives the options to the partitions that are open and opens the
// others that this node leads.
func (m *Manager) openAll(ctx context.Context, e *topicEntry, t meta.Topic) error {
	opts := m.cfg.options(t.Configs)
	opts.Internal = t.Internal
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(opensAtOnce)
	for _, tp := range t.Partitions[:min(len(e.parts), len(t.Partitions))] {
		if p := e.parts[tp.Index].Load(); p != nil {
			p.options.Store(&opts)
		} else if tp.Leader == m.cfg.NodeID {
			g.Go(func() error { return m.open(gctx, e, tp, opts) })
		}
	}
	return g.Wait()
}

// open opens one partition. Its stream's opening is a command: when it returns
// the epoch is this node's and no other node can append.
func (m *Manager) open(ctx context.Context, e *topicEntry, tp meta.Partition, opts Options) error {
	log, err := m.cfg.open(ctx, tp.StreamID)
	if err != nil {
		return fmt.Errorf("%s-%d: stream %d: %w", e.name, tp.Index, tp.StreamID, err)
	}
	p, err := openPartition(m.cfg, e.name, tp.Index, log, opts)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	// Under mu, as dropTopic is: a topic that was deleted while its stream
	// was being opened is either seen here or finds the partition there.
	if m.index.Load().byID[e.id] == nil {
		p.close(kerr.UnknownTopicOrPartition)
		return nil
	}
	m.streams[tp.StreamID] = p
	e.parts[tp.Index].Store(p)
	return nil
}

// adopt finds or makes the entry of a topic. A topic that was deleted and made
// again has another id and gets another entry; one that grew gets a longer one
// that shares the partitions.
func (m *Manager) adopt(t meta.Topic) *topicEntry {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.index.Load()
	e := old.byID[t.ID]
	if e != nil && len(e.parts) >= len(t.Partitions) {
		return e
	}
	grown := &topicEntry{name: t.Name, id: t.ID, opening: make(chan struct{}, 1)}
	if e != nil {
		grown.opening, grown.parts = e.opening, slices.Clone(e.parts)
	}
	for len(grown.parts) < len(t.Partitions) {
		grown.parts = append(grown.parts, new(atomic.Pointer[Partition]))
	}
	m.replace(func(ix *index) { ix.byName[t.Name], ix.byID[t.ID] = grown, grown })
	return grown
}

// replace publishes a changed copy of the index. mu is held.
func (m *Manager) replace(change func(*index)) {
	old := m.index.Load()
	next := &index{byName: maps.Clone(old.byName), byID: maps.Clone(old.byID)}
	if next.byName == nil {
		next.byName, next.byID = make(map[string]*topicEntry), make(map[meta.TopicID]*topicEntry)
	}
	change(next)
	m.index.Store(next)
}

// mark makes Run look at a topic.
func (m *Manager) mark(topic string) {
	m.mu.Lock()
	m.dirty[topic] = struct{}{}
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

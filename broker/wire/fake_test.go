package wire

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/partition"
	"github.com/tidelog/tide/broker/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeBroker is all back ends in memory. What is appended becomes durable at
// the next Commit, or when the test says so while held.
type fakeBroker struct {
	mu          sync.Mutex
	topics      map[string]*fakeTopic
	undone      []func() // completions of what is not durable yet
	held        bool     // Commit does nothing
	commits     int
	nextID      int64
	full        chan struct{} // not nil: Append to partition 1 blocks until it is closed
	commitFrees bool          // by the next Commit
	groups      fakeGroups
	address     string // host:port to advertise; empty: one that nobody calls
}

type fakeTopic struct {
	meta.Topic
	parts []*fakePartition
}

func newFakeBroker() *fakeBroker {
	return &fakeBroker{topics: make(map[string]*fakeTopic), groups: fakeGroups{joined: make(chan struct{})}}
}

func (b *fakeBroker) Commit() {
	b.mu.Lock()
	b.commits++
	held := b.held
	if b.full != nil && b.commitFrees {
		close(b.full)
		b.full = nil
	}
	b.mu.Unlock()
	if !held {
		b.reap()
	}
}

// reap makes everything appended durable, as the WAL's reaper would.
func (b *fakeBroker) reap() {
	b.mu.Lock()
	undone := b.undone
	b.undone = nil
	b.mu.Unlock()
	for _, done := range undone {
		done()
	}
}

func (b *fakeBroker) appendedCount() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.undone)
}

func (b *fakeBroker) Topic(name string) (meta.Topic, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.topics[name]; t != nil {
		return t.Topic, true
	}
	return meta.Topic{}, false
}

func (b *fakeBroker) TopicByID(id [16]byte) (meta.Topic, bool) {
	for _, t := range b.Topics() {
		if t.ID == id {
			return t, true
		}
	}
	return meta.Topic{}, false
}

func (b *fakeBroker) Topics() []meta.Topic {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []meta.Topic
	for _, t := range b.topics {
		all = append(all, t.Topic)
	}
	slices.SortFunc(all, func(x, y meta.Topic) int { return strings.Compare(x.Name, y.Name) })
	return all
}

func (b *fakeBroker) Propose(_ context.Context, cmd meta.Command) (meta.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch cmd := cmd.(type) {
	case meta.CreateTopic:
		if b.topics[cmd.Name] != nil {
			return meta.Result{}, meta.ErrTopicExists
		}
		t := &fakeTopic{Topic: meta.Topic{Name: cmd.Name, ID: cmd.ID, Replication: cmd.Replication, Configs: cmd.Configs}}
		for i := range cmd.Partitions {
			t.Partitions = append(t.Partitions, meta.Partition{Index: i, Leader: 1, LeaderEpoch: 3})
			t.parts = append(t.parts, &fakePartition{broker: b, topic: cmd.Name, index: i})
		}
		b.topics[cmd.Name] = t
	case meta.DeleteTopic:
		for name, t := range b.topics {
			if t.ID == cmd.ID {
				delete(b.topics, name)
			}
		}
	case meta.AllocateProducerIDs:
		b.nextID += int64(cmd.Count)
		return meta.Result{FirstProducerID: b.nextID - int64(cmd.Count)}, nil
	}
	return meta.Result{}, nil
}

func (b *fakeBroker) Get(topic string, index int32) (Partition, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.topics[topic]
	switch {
	case t == nil || index < 0 || int(index) >= len(t.parts):
		return nil, kerr.UnknownTopicOrPartition
	case t.Partitions[index].Leader != 1:
		return nil, kerr.NotLeaderForPartition
	}
	return t.parts[index], nil
}

func (b *fakeBroker) GetByID(id [16]byte, index int32) (Partition, error) {
	t, ok := b.TopicByID(id)
	if !ok {
		return nil, kerr.UnknownTopicID
	}
	return b.Get(t.Name, index)
}

func (b *fakeBroker) Ensure(context.Context, string) error { return nil }
func (b *fakeBroker) ClusterID() string                    { return "test-cluster" }
func (b *fakeBroker) ControllerID() int32                  { return 1 }

func (b *fakeBroker) Brokers() []Broker {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.address != "" {
		ap := netip.MustParseAddrPort(b.address)
		return []Broker{{ID: 1, Host: ap.Addr().String(), Port: int32(ap.Port())}}
	}
	return []Broker{{ID: 1, Host: "broker.test", Port: 9092, Rack: "r1"}}
}

// set changes the fakes' behaviour, or looks at what they hold, under the lock.
func (b *fakeBroker) set(fn func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fn()
}

// stored is a copy of the batches of a partition.
func (p *fakePartition) stored() []fakeBatch {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.batches)
}

// fakePartition keeps batches in a slice.
type fakePartition struct {
	broker  *fakeBroker
	topic   string
	index   int32
	mu      sync.Mutex
	batches []fakeBatch
	next    int64
	high    int64
	start   int64
	broken  error // done reports it
	gone    error // the topic was deleted
	unread  error // Fetch reports it
	waiters map[*stream.Waiter]bool
	reads   int
	onRead  func() // called without the lock after the high watermark was taken
}

type fakeBatch struct {
	base, end int64
	bytes     []byte
}

func (p *fakePartition) Topic() string      { return p.topic }
func (p *fakePartition) LeaderEpoch() int32 { return 3 }
func (p *fakePartition) Internal() bool     { return p.topic == "__consumer_offsets" }

func (p *fakePartition) Gone() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

// drop is what the deletion of the topic does.
func (p *fakePartition) drop(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = why
	for w := range p.waiters {
		w.Signal()
	}
}

func (p *fakePartition) Append(ctx context.Context, records []byte, done func(partition.AppendResult)) error {
	if len(records) < 61 {
		return kerr.CorruptMessage
	}
	p.broker.mu.Lock()
	full := p.broker.full
	if p.index != 1 {
		full = nil
	}
	p.broker.mu.Unlock()
	if full != nil {
		select {
		case <-full:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	base, end := p.store(records)
	p.broker.mu.Lock()
	defer p.broker.mu.Unlock()
	broken := p.broken
	p.broker.undone = append(p.broker.undone, func() {
		if broken == nil {
			p.advance(end)
		}
		done(partition.AppendResult{BaseOffset: base, LogAppendTime: -1, LogStart: p.start, Err: broken})
	})
	return nil
}

// store copies a batch to the end of the log, not visible yet.
func (p *fakePartition) store(records []byte) (base, end int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	base = p.next
	p.next += int64(int32(binary.BigEndian.Uint32(records[23:]))) + 1
	b := slices.Clone(records)
	binary.BigEndian.PutUint64(b, uint64(base))
	p.batches = append(p.batches, fakeBatch{base, p.next, b})
	return base, p.next
}

func (p *fakePartition) advance(end int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.high = end
	for w := range p.waiters {
		w.Signal()
	}
}

func (p *fakePartition) FetchFor(_ context.Context, w stream.Want) (*stream.Read, error) {
	offset, maxBytes, minOne := w.Offset, w.MaxBytes, w.MinOne
	p.mu.Lock()
	p.reads++
	high := p.high
	var r stream.Read
	for _, b := range p.batches {
		if b.end <= offset || b.end > high {
			continue
		}
		if r.Bytes+len(b.bytes) > maxBytes && !(minOne && r.Bytes == 0) {
			break
		}
		r.Buffers = append(r.Buffers, b.bytes)
		r.Bytes += len(b.bytes)
		r.Next = b.end
	}
	p.mu.Unlock()
	if p.unread != nil {
		return nil, p.unread
	}
	if offset < p.start || offset > high {
		return nil, stream.ErrOffsetOutOfRange
	}
	return &r, nil
}

func (p *fakePartition) Watch(w *stream.Waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiters == nil {
		p.waiters = make(map[*stream.Waiter]bool)
	}
	p.waiters[w] = true
}

func (p *fakePartition) Unwatch(w *stream.Waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiters, w)
}

func (p *fakePartition) HighWatermark() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.high
}

func (p *fakePartition) LastStableOffset() int64 { return p.HighWatermark() }

// LogStartOffset is asked for last when a partition was looked at.
func (p *fakePartition) LogStartOffset() int64 {
	p.mu.Lock()
	start, onRead := p.start, p.onRead
	p.mu.Unlock()
	if onRead != nil {
		onRead()
	}
	return start
}

func (p *fakePartition) DeleteRecords(_ context.Context, before int64) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if before == -1 {
		before = p.high
	}
	if before < 0 || before > p.high {
		return -1, kerr.OffsetOutOfRange
	}
	p.start = max(p.start, before)
	for w := range p.waiters {
		w.Signal()
	}
	return p.start, nil
}

func (p *fakePartition) EpochAt(int64) int32 { return 2 }

func (p *fakePartition) OffsetForTime(_ context.Context, ts int64) (int64, int64, error) {
	switch ts {
	case timestampLatest:
		return p.HighWatermark(), -1, nil
	case timestampEarliest:
		return p.LogStartOffset(), -1, nil
	}
	return 1, 1234, nil
}

// harness is a server over a fakeBroker, on a loopback listener.
type harness struct {
	t      *testing.T
	broker *fakeBroker
	srv    *Server
	addr   string
	log    *logLines
	served chan error
}

// logLines collects the server's log.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

func (l *logLines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

func (b *fakeBroker) config(log *logLines) Config {
	return Config{
		Partitions: b, Metadata: b, Cluster: b, Groups: &b.groups, Commit: b.Commit, NodeID: 1,
		Logger:     slog.New(slog.NewTextHandler(log, nil)),
		NewTopicID: func() [16]byte { return [16]byte{0xaa, 15: 0xbb} },
	}
}

func newHarness(t *testing.T, adjust func(*Config)) *harness {
	h := &harness{t: t, broker: newFakeBroker(), log: &logLines{}, served: make(chan error, 1)}
	cfg := h.broker.config(h.log)
	if adjust != nil {
		adjust(&cfg)
	}
	srv, err := New(cfg)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	h.srv, h.addr = srv, l.Addr().String()
	go func() { h.served <- srv.Serve(l) }()
	t.Cleanup(func() {
		h.broker.reap()
		require.NoError(t, srv.Close(context.Background()))
		require.ErrorIs(t, <-h.served, ErrServerClosed)
	})
	return h
}

// topic makes a topic with the partitions given and returns them.
func (b *fakeBroker) topic(name string, id byte, partitions int32) []*fakePartition {
	cmd := meta.CreateTopic{Name: name, ID: meta.TopicID{0: id}, Partitions: partitions, Replication: 1}
	if _, err := b.Propose(context.Background(), cmd); err != nil {
		panic(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.topics[name].parts
}

// client is a raw connection.
type client struct {
	t    *testing.T
	conn net.Conn
	next int32 // correlation id
}

func (h *harness) dial() *client {
	conn, err := net.Dial("tcp", h.addr)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { conn.Close() })
	return &client{t: h.t, conn: conn}
}

// send writes a request made by kmsg and returns its correlation id.
func (c *client) send(req kmsg.Request) int32 {
	c.next++
	_, err := c.conn.Write(frameOf(req, c.next))
	require.NoError(c.t, err)
	return c.next
}

func frameOf(req kmsg.Request, correlation int32) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("tester")).AppendRequest(nil, req, correlation)
}

// frame reads one answer: correlation id and the rest.
func (c *client) frame() (int32, []byte) {
	var head [8]byte
	readFull(c.t, c.conn, head[:])
	rest := make([]byte, int32(binary.BigEndian.Uint32(head[:]))-4)
	readFull(c.t, c.conn, rest)
	return int32(binary.BigEndian.Uint32(head[4:])), rest
}

// ask sends a request and reads its answer.
func (c *client) ask(req kmsg.Request) kmsg.Response {
	want := c.send(req)
	return c.answer(req, want)
}

func (c *client) answer(req kmsg.Request, want int32) kmsg.Response {
	got, body := c.frame()
	require.Equal(c.t, want, got, "correlation id")
	resp := req.ResponseKind()
	resp.SetVersion(req.GetVersion())
	if resp.IsFlexible() && resp.Key() != keyApiVersions {
		require.Zero(c.t, body[0], "header tags")
		body = body[1:]
	}
	require.NoError(c.t, resp.ReadFrom(body))
	// Encoded again it must be the same: nothing is missing and nothing follows.
	require.Equal(c.t, resp.AppendTo(nil), body, "%T v%d", resp, resp.GetVersion())
	return resp
}

// closed waits for the server to close the connection, and checks that nothing
// came before.
func (c *client) closed() {
	n, err := c.conn.Read(make([]byte, 1))
	require.Zero(c.t, n)
	require.Error(c.t, err)
}

package upload

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/broker/logcache"
	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/fault"
	memstore "github.com/tidelog/tide/broker/objstore/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

// rig is an uploader over a real state machine and a store in memory.
type rig struct {
	*Uploader
	t         *testing.T
	quorum    *meta.Local
	replica   *meta.Replica
	store     objstore.Store
	cache     *logcache.Cache
	streams   []int64
	next      map[int64]int64
	committed chan Job
}

// newRig makes the uploader; start runs it.
func newRig(t *testing.T, wrap func(objstore.Store) objstore.Store) *rig {
	r := &rig{t: t, quorum: meta.NewLocal(), store: memstore.New(), next: map[int64]int64{}, committed: make(chan Job, 100)}
	if wrap != nil {
		r.store = wrap(r.store)
	}
	var err error
	r.cache, err = logcache.New(logcache.Config{Size: 4 << 20})
	require.NoError(t, err)
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	r.replica = meta.NewReplica(r.quorum, quiet)
	rctx, stop := context.WithCancel(ctx)
	followed := make(chan struct{})
	go func() { defer close(followed); _ = r.replica.Run(rctx) }()
	t.Cleanup(func() { stop(); <-followed; require.NoError(t, r.cache.Close()) })

	reg := r.propose(meta.RegisterNode{NodeID: 1, Advertise: "h:1"})
	r.propose(meta.WALOpened{NodeID: 1, Epoch: reg.NodeEpoch})
	topic := r.propose(meta.CreateTopic{Name: "t", ID: [16]byte{1}, Partitions: 3, Replication: 1, Leaders: []int32{1, 1, 1}}).Topic
	for _, p := range topic.Partitions {
		r.streams = append(r.streams, p.StreamID)
		r.propose(meta.OpenStream{StreamID: p.StreamID, NodeID: 1, NodeEpoch: reg.NodeEpoch, StreamEpoch: 1})
	}
	r.Uploader, err = New(Config{
		Store: r.store, Meta: r.replica, Folder: counting{}, NodeID: 1, NodeEpoch: reg.NodeEpoch,
		BlockSize: 4 << 10, Split: 64 << 10, Logger: quiet, RetryMin: time.Microsecond, RetryMax: time.Microsecond,
		Committed: func(j Job) { r.committed <- j },
	})
	require.NoError(t, err)
	return r
}

func (r *rig) start() {
	rctx, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- r.Run(rctx) }()
	r.t.Cleanup(func() { stop(); require.NoError(r.t, <-ended) })
}

func (r *rig) propose(c meta.Command) meta.Result {
	res, err := r.replica.Propose(ctx, c)
	require.NoError(r.t, err)
	return res
}

// block makes a sealed block: for each stream a number of batches of 1000 bytes.
func (r *rig) block(batches ...int) *logcache.Block {
	for i, n := range batches {
		id := r.streams[i]
		for range n {
			b := object.RecordBatch{StreamID: id, Epoch: 1, BaseOffset: r.next[id], Count: 2, Payload: make([]byte, 1000)}
			require.True(r.t, r.cache.Room(id, b.EncodedSize()))
			copy(r.cache.Reserve(id, b.BaseOffset, 2, b.EncodedSize()), object.AppendBatch(nil, b))
			r.next[id] += 2
		}
	}
	return r.cache.Seal()
}

// counting counts batches.
type counting struct{}

type count struct {
	n   uint64
	pad int // bytes that Encode adds
}

func (counting) Load(_ int64, record []byte) (State, error) {
	s := &count{}
	if len(record) > 0 {
		s.n = binary.BigEndian.Uint64(record)
	}
	return s, nil
}

func (s *count) Apply(object.RecordBatch) error { s.n++; return nil }
func (s *count) MaxTimestamp() int64            { return int64(s.n) }
func (s *count) Encode() []byte {
	return append(binary.BigEndian.AppendUint64(nil, s.n), make([]byte, s.pad)...)
}

// heavy is counting with state records of 5 MiB.
type heavy struct{}

func (heavy) Load(id int64, record []byte) (State, error) {
	s, err := counting{}.Load(id, record)
	s.(*count).pad = 5 << 20
	return s, err
}

func TestUploadSplitsAndCommits(t *testing.T) {
	r := newRig(t, nil)
	r.start()
	r.Enqueue(Job{Block: r.block(10, 100, 5), Confirm: 77})
	require.NoError(t, r.Drain(ctx))
	require.EqualValues(t, 77, (<-r.committed).Confirm)
	kinds := map[meta.ObjectKind]int{}
	for _, o := range r.replica.Objects(meta.Committed) {
		kinds[o.Kind]++
		info, err := r.store.Head(ctx, o.Key)
		require.NoError(t, err)
		require.Equal(t, o.Size, info.Size)
	}
	require.Equal(t, map[meta.ObjectKind]int{meta.KindStreamSet: 1, meta.KindStream: 1}, kinds)
	for i, n := range []int64{10, 100, 5} {
		s, _ := r.replica.Stream(r.streams[i])
		require.EqualValues(t, 2*n, s.End)
		require.EqualValues(t, n, binary.BigEndian.Uint64(s.State))
	}
}

// TestHeavyStatesAreCommittedApart: the metadata's log takes commands of
// bounded size, whatever the states of a block's streams weigh together.
func TestHeavyStatesAreCommittedApart(t *testing.T) {
	r := newRig(t, nil)
	r.cfg.Folder = heavy{}
	r.start()
	for range 2 {
		r.Enqueue(Job{Block: r.block(5, 100, 5)})
	}
	require.NoError(t, r.Drain(ctx))
	require.Len(t, r.replica.Objects(meta.Committed), 6, "one a stream and block")
	for i, n := range []int64{10, 200, 10} {
		s, _ := r.replica.Stream(r.streams[i])
		require.EqualValues(t, 2*n, s.End)
		require.EqualValues(t, n, binary.BigEndian.Uint64(s.State))
	}
}

func TestOnlyAStreamObject(t *testing.T) {
	r := newRig(t, nil)
	r.start()
	r.Enqueue(Job{Block: r.block(100)})
	require.NoError(t, r.Drain(ctx))
	objects := r.replica.Objects(meta.Committed)
	require.Len(t, objects, 1)
	require.Equal(t, meta.KindStream, objects[0].Kind)
}

// stopped is a store whose puts wait until they are let go, and then fail as
// often as told.
type stopped struct {
	objstore.Store
	mu       sync.Mutex
	begun    []string
	failures int
	gate     chan struct{}
}

func (s *stopped) Put(ctx context.Context, key string, body objstore.Body) error {
	s.mu.Lock()
	s.begun = append(s.begun, key)
	s.mu.Unlock()
	select {
	case <-s.gate:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures > 0 {
		s.failures--
		return errors.New("503 slow down")
	}
	return s.Store.Put(ctx, key, body)
}

func (s *stopped) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.begun)
}

func TestPutInParallelCommitInOrder(t *testing.T) {
	st := &stopped{gate: make(chan struct{}), failures: 3}
	r := newRig(t, func(s objstore.Store) objstore.Store { st.Store = s; return st })
	for i := range int64(5) {
		r.Enqueue(Job{Block: r.block(3, 3), Confirm: i})
	}
	r.start()
	for st.count() < 2 { // Parallel is 2: the second put begins before the first ends
	}
	short, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorContains(t, r.Drain(short), "5 blocks are not in the store yet")
	close(st.gate)
	require.NoError(t, r.Drain(ctx))
	for i := range int64(5) {
		require.Equal(t, i, (<-r.committed).Confirm)
	}
	require.EqualValues(t, 3, r.Stats().Retries)
	s, _ := r.replica.Stream(r.streams[0])
	require.EqualValues(t, 30, s.End)
	require.EqualValues(t, 15, binary.BigEndian.Uint64(s.State))
}

// seen tells when somebody asks it for the first time whether it has ended.
type seen struct {
	context.Context
	once  *sync.Once
	asked chan struct{}
}

func (s seen) Err() error {
	s.once.Do(func() { close(s.asked) })
	return s.Context.Err()
}

// TestDrainIsNotOvertaken: who drains waits for what was there when he began,
// and not for what producers go on to write.
func TestDrainIsNotOvertaken(t *testing.T) {
	f := fault.Wrap(memstore.New())
	r := newRig(t, func(objstore.Store) objstore.Store { return f })
	f.Set(fault.Rule{Op: objstore.OpPut, From: 2, Hang: true})
	first, second := r.block(3), r.block(3)
	var once sync.Once
	r.cfg.Committed = func(Job) { once.Do(func() { r.Enqueue(Job{Block: second}) }) }
	r.Enqueue(Job{Block: first})
	waits := seen{ctx, new(sync.Once), make(chan struct{})}
	drained := make(chan error)
	go func() { drained <- r.Drain(waits) }()
	<-waits.asked
	r.start()
	require.NoError(t, <-drained)
	require.False(t, r.Idle())
	f.Clear()
	require.NoError(t, r.Drain(ctx))
	require.True(t, r.Idle())
}

func TestExpiredObjectIsUploadedUnderANewID(t *testing.T) {
	st := &stopped{gate: make(chan struct{})}
	r := newRig(t, func(s objstore.Store) objstore.Store { st.Store = s; return st })
	r.Enqueue(Job{Block: r.block(3)})
	r.start()
	for st.count() < 1 {
	}
	r.propose(meta.ExpireObjects{Before: time.Now().Add(time.Hour).UnixMilli()})
	close(st.gate)
	require.NoError(t, r.Drain(ctx))
	require.Len(t, r.replica.Objects(meta.Destroyed), 1)
	committed := r.replica.Objects(meta.Committed)
	require.Len(t, committed, 1)
	require.NotEqual(t, st.begun[0], committed[0].Key)
}

func TestDeletedStreamIsLeftOut(t *testing.T) {
	st := &stopped{gate: make(chan struct{})}
	r := newRig(t, func(s objstore.Store) objstore.Store { st.Store = s; return st })
	r.Enqueue(Job{Block: r.block(3)})
	r.start()
	for st.count() < 1 { // prepared while the topic was there
	}
	r.propose(meta.DeleteTopic{Name: "t"})
	r.Enqueue(Job{Block: r.block(3)}) // prepared afterwards
	close(st.gate)
	require.NoError(t, r.Drain(ctx))
	require.Empty(t, r.replica.Objects(meta.Committed))
}

func TestFencedNodeStops(t *testing.T) {
	r := newRig(t, nil)
	r.propose(meta.RegisterNode{NodeID: 1, Advertise: "h:1"})
	r.Enqueue(Job{Block: r.block(3)})
	require.ErrorIs(t, r.Run(ctx), meta.ErrFencedEpoch)
	require.ErrorIs(t, r.Drain(ctx), meta.ErrFencedEpoch)
}

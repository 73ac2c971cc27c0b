package stream

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/logcache"
	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	memstore "github.com/tidelog/tide/broker/objstore/mem"
	"github.com/tidelog/tide/broker/upload"
	"github.com/tidelog/tide/broker/wal"
	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// rig is what survives a broker: the device, the store, the quorum. Each open
// is one life on it.
type rig struct {
	t       testing.TB
	device  *mem.Device
	store   objstore.Store
	quorum  meta.Controller
	streams []int64
	depth   int // of the path; 0: one write at a time
	// wrap stands between the WAL and the device; nil: nothing does.
	wrap func(iopath.Path) iopath.Path
	tune func(*Config)
}

func newRig(t testing.TB, partitions int32) *rig {
	r := &rig{t: t, device: mem.NewDevice(4 << 20), store: memstore.New(), quorum: meta.NewLocal()}
	ctx := context.Background()
	_, err := r.quorum.Propose(ctx, meta.RegisterNode{NodeID: 1, Advertise: "127.0.0.1:1"})
	require.NoError(t, err)
	res, err := r.quorum.Propose(ctx, meta.CreateTopic{Name: "t", ID: [16]byte{1}, Partitions: partitions, Replication: 1, Leaders: leaders(partitions)})
	require.NoError(t, err)
	for _, p := range res.Topic.Partitions {
		r.streams = append(r.streams, p.StreamID)
	}
	return r
}

func leaders(n int32) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

// life is one engine on a rig.
type life struct {
	*Engine
	rig     *rig
	replica *meta.Replica
	end     func() // stops it all without closing clean: a crash, as far as the rig can tell
}

// open starts a life; it fails the test when the engine does not open.
func (r *rig) open() *life {
	l, err := r.tryOpen(context.Background())
	require.NoError(r.t, err)
	return l
}

func (r *rig) tryOpen(ctx context.Context) (*life, error) { return r.tryOpenKeeping(ctx, func() {}) }

// tryOpenKeeping calls before ahead of giving the memory back, when the engine
// does not open.
func (r *rig) tryOpenKeeping(ctx context.Context, before func()) (*life, error) {
	path, err := mem.Open(mem.Config{Device: r.device, ArenaSize: 1 << 20, Depth: r.depth})
	require.NoError(r.t, err)
	if r.wrap != nil {
		path = r.wrap(path)
	}
	cache, err := logcache.New(logcache.Config{Size: 1 << 20})
	require.NoError(r.t, err)
	blocks, err := blockcache.New(blockcache.Config{Store: r.store, Size: 1 << 20})
	require.NoError(r.t, err)
	replica := meta.NewReplica(r.quorum, quiet)
	rctx, stop := context.WithCancel(context.Background())
	followed := make(chan struct{})
	go func() { defer close(followed); _ = replica.Run(rctx) }()
	release := func() {
		stop()
		<-followed
		blocks.Close()
		require.NoError(r.t, cache.Close())
		_ = path.Close()
	}
	cfg := Config{
		NodeID: 1, Advertise: "127.0.0.1:1",
		WAL:   wal.Config{Path: path, Logger: quiet, BlockSoft: 16 << 10, BlockHard: 64 << 10},
		Cache: cache, Blocks: blocks, Meta: replica,
		Upload: upload.Config{
			Store: r.store, Folder: countFolder{}, BlockSize: 16 << 10, Split: 100 << 10, Logger: quiet,
			RetryMin: time.Millisecond, RetryMax: 10 * time.Millisecond,
		},
		UploadThreshold: 256 << 10, UploadInterval: time.Hour, Logger: quiet,
	}
	if r.tune != nil {
		r.tune(&cfg)
	}
	e, err := Open(ctx, cfg)
	if err != nil {
		before()
		release()
		return nil, err
	}
	return &life{Engine: e, rig: r, replica: replica, end: func() { _ = e.abandon(); release() }}, nil
}

// close is a clean stop.
func (l *life) close() {
	require.NoError(l.rig.t, l.Engine.Close(context.Background()))
	l.end()
}

func (l *life) stream(i int) *Stream {
	s, err := l.OpenStream(context.Background(), l.rig.streams[i])
	require.NoError(l.rig.t, err)
	return s
}

// payload is n bytes that tell the stream and offset they were written at.
func payload(stream, base int64, n int) []byte {
	p := make([]byte, max(n, 16))
	binary.BigEndian.PutUint64(p, uint64(stream))
	binary.BigEndian.PutUint64(p[8:], uint64(base))
	for i := 16; i < n; i++ {
		p[i] = byte(base) + byte(i)
	}
	return p
}

// add appends one batch and returns the channel of its outcome.
func (s *Stream) add(ctx context.Context, count int32, n int) (<-chan error, error) {
	b := batch(s, s.Next(), n)
	b.Count = count
	done := make(chan error, 1)
	err := s.Append(ctx, b, func(err error) { done <- err })
	return done, err
}

func batch(s *Stream, base int64, n int) object.RecordBatch {
	return object.RecordBatch{StreamID: s.id, Epoch: s.epoch, BaseOffset: base, Count: 1, Payload: payload(s.id, base, n)}
}

// mustAdd appends batches of n bytes and waits until all are durable.
func (l *life) mustAdd(s *Stream, batches int, n int) {
	var last <-chan error
	for range batches {
		done, err := s.add(context.Background(), 1, n)
		require.NoError(l.rig.t, err)
		last = done
	}
	l.Commit()
	require.NoError(l.rig.t, <-last)
}

// verify reads the whole stream and checks every payload.
func (l *life) verify(s *Stream, from, to int64, n int) {
	t := l.rig.t
	for at := from; at < to; {
		r, err := s.Fetch(context.Background(), at, 32<<10, true)
		require.NoError(t, err)
		require.NotZero(t, r.Bytes, "nothing at %d of %d", at, to)
		var all []byte
		for _, b := range r.Buffers {
			all = append(all, b...)
		}
		require.Equal(t, r.Bytes, len(all))
		for ; len(all) > 0; at++ {
			require.Equal(t, payload(s.id, at, n), all[:n], "stream %d offset %d", s.id, at)
			all = all[n:]
		}
		require.Equal(t, at, r.Next)
		r.Release()
	}
}

// settle waits until all that is sealed is committed.
func (l *life) settle() {
	require.NoError(l.rig.t, l.flush(context.Background()))
}

// countFolder keeps the number of batches as its state: enough to see that
// every batch was folded exactly once, whatever crashed in between.
type countFolder struct{}

type countState struct{ n uint64 }

func (countFolder) Load(_ int64, record []byte) (upload.State, error) {
	s := &countState{}
	if len(record) > 0 {
		s.n = binary.BigEndian.Uint64(record)
	}
	return s, nil
}

func (s *countState) Apply(object.RecordBatch) error { s.n++; return nil }
func (s *countState) MaxTimestamp() int64            { return int64(s.n) }
func (s *countState) Encode() []byte                 { return binary.BigEndian.AppendUint64(nil, s.n) }

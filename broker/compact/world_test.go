package compact

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	memstore "github.com/tidelog/tide/broker/objstore/mem"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// world is a node with streams whose uploads are made up, under a clock that
// the test sets. The metadata is the state machine itself, without a log: a
// simulated day has millions of ranges.
type world struct {
	t       testing.TB
	cfg     Config
	store   objstore.Store
	now     time.Time
	mu      sync.Mutex
	state   *meta.State // guarded by mu
	index   uint64      // guarded by mu
	streams []int64
	next    map[int64]int64 // by stream: the next offset
	refuse  error           // of the next CompactObjects; the command is not applied
}

func newWorld(t testing.TB, streams int, change ...func(*Config)) *world {
	w := &world{
		t: t, store: memstore.New(), now: time.UnixMilli(1_700_000_000_000), next: make(map[int64]int64),
		state: meta.NewState(meta.NewImage()),
	}
	w.must(meta.RegisterNode{NodeID: 1, Advertise: "h:1"})
	w.must(meta.WALOpened{NodeID: 1, Epoch: 1})
	res := w.must(meta.CreateTopic{Name: "t", ID: meta.TopicID{1}, Partitions: int32(streams), Replication: 1})
	for _, p := range res.Topic.Partitions {
		w.streams = append(w.streams, p.StreamID)
		w.must(meta.OpenStream{StreamID: p.StreamID, NodeID: 1, NodeEpoch: 1, StreamEpoch: 1})
	}
	w.cfg = Config{
		Store: w.store, Meta: w, NodeID: 1, NodeEpoch: 1, Logger: quiet, Clock: func() time.Time { return w.now },
		Target: 64 << 10, GroupBytes: 4 << 10, Window: 2 << 10, Verify: verify,
	}
	for _, f := range change {
		f(&w.cfg)
	}
	return w
}

func (w *world) Propose(ctx context.Context, cmd meta.Command) (meta.Result, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := cmd.(meta.CompactObjects); ok && w.refuse != nil {
		err := w.refuse
		w.refuse = nil
		return meta.Result{}, err
	}
	w.index++
	res, _, err := w.state.Apply(w.index, cmd)
	return res, err
}

func (w *world) Streams() []meta.Stream {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state.Image().Streams()
}

func (w *world) Object(id int64) (meta.Object, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state.Image().Object(id)
}

func (w *world) Objects(s meta.ObjectState) []meta.Object {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state.Image().Objects(s)
}

func (w *world) must(cmd meta.Command) meta.Result {
	res, err := w.Propose(context.Background(), cmd)
	require.NoError(w.t, err, "%+v", cmd)
	return res
}

func (w *world) compactor() *Compactor {
	c, err := New(w.cfg)
	require.NoError(w.t, err)
	return c
}

// upload is what one sealed block becomes: for each stream a number of batches
// of n payload bytes. Streams with split bytes or more get an object each.
func (w *world) upload(batches map[int64]int, n int, split int64) {
	var set []int64
	for _, s := range w.streams {
		if k := batches[s]; k > 0 && int64(k*n) >= split {
			w.put(meta.KindStream, []int64{s}, batches, n)
		} else if k > 0 {
			set = append(set, s)
		}
	}
	if len(set) > 0 {
		w.put(meta.KindStreamSet, set, batches, n)
	}
}

func (w *world) put(kind meta.ObjectKind, streams []int64, batches map[int64]int, n int) {
	ow := object.NewWriter(w.cfg.GroupBytes)
	var commits []meta.StreamCommit
	for _, s := range streams {
		known, _ := w.state.Image().Stream(s)
		c := meta.StreamCommit{StreamID: s, Epoch: known.Epoch, Start: w.next[s], MaxTimestamp: w.now.UnixMilli(), Bytes: int64(batches[s] * n)}
		for range batches[s] {
			require.NoError(w.t, ow.Add(object.AppendBatch(nil, batch(s, w.next[s], n))))
			w.next[s] += perBatch
		}
		c.End = w.next[s]
		commits = append(commits, c)
	}
	l, err := ow.Finish()
	require.NoError(w.t, err)
	until := w.now.Add(30 * time.Minute).UnixMilli()
	id := w.must(meta.PrepareObjects{NodeID: 1, NodeEpoch: 1, Count: 1, Until: until}).FirstObjectID
	require.NoError(w.t, w.store.Put(context.Background(), object.Key("DEFAULT", id), l.Body))
	w.must(meta.CommitObject{
		NodeID: 1, NodeEpoch: 1, ObjectID: id, Kind: kind, Key: object.Key("DEFAULT", id),
		Size: l.Size, IndexPosition: l.IndexPosition, IndexLength: l.IndexLength, Streams: commits,
	})
}

// perBatch is how many offsets a batch has.
const perBatch = 5

func batch(stream, base int64, n int) object.RecordBatch {
	return object.RecordBatch{StreamID: stream, Epoch: 1, BaseOffset: base, Count: perBatch, Payload: payload(stream, base, n)}
}

func payload(stream, base int64, n int) []byte {
	p := bytes.Repeat([]byte{byte(base) ^ byte(stream)}, max(n, 16))
	binary.BigEndian.PutUint64(p, uint64(stream))
	binary.BigEndian.PutUint64(p[8:], uint64(base))
	return p
}

// verify is the checksum of the made-up batches.
func verify(b object.RecordBatch) error {
	if !bytes.Equal(b.Payload, payload(b.StreamID, b.BaseOffset, len(b.Payload))) {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// check reads every stream from its start to its end through the metadata, as a
// fetch does, and checks every batch.
func (w *world) check() {
	w.t.Helper()
	require.NoError(w.t, w.state.Image().Check())
	indexes := make(map[int64]object.Index)
	for _, s := range w.Streams() {
		at := s.Start
		for _, r := range s.Ranges {
			o, ok := w.Object(r.ObjectID)
			require.True(w.t, ok)
			x := indexes[o.ID]
			if x == nil {
				x = w.readIndex(o)
				indexes[o.ID] = x
			}
			at = w.checkRange(s, r, o, x, at)
		}
		require.Equal(w.t, w.next[s.ID], at, "stream %d", s.ID)
	}
}

func (w *world) readIndex(o meta.Object) object.Index {
	raw := make([]byte, o.IndexLength)
	require.NoError(w.t, w.store.GetRange(context.Background(), o.Key, o.IndexPosition, raw))
	x, err := object.DecodeIndexAt(o.ID, o.IndexPosition, raw)
	require.NoError(w.t, err)
	return x
}

func (w *world) checkRange(s meta.Stream, r meta.Range, o meta.Object, x object.Index, at int64) int64 {
	for at < r.End {
		i, ok := x.Find(s.ID, at)
		require.True(w.t, ok, "stream %d offset %d is not in object %d", s.ID, at, o.ID)
		block := make([]byte, x[i].Size)
		require.NoError(w.t, w.store.GetRange(context.Background(), o.Key, x[i].Position, block))
		require.NoError(w.t, object.ForEachBatch(o.ID, x[i], block, func(_ []byte, b object.RecordBatch) error {
			if b.EndOffset() > at {
				if b.BaseOffset > at {
					return fmt.Errorf("stream %d: a gap from %d to %d", s.ID, at, b.BaseOffset)
				}
				at = b.EndOffset()
			}
			return verify(b)
		}))
	}
	return at
}

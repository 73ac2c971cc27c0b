package compact

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	memstore "github.com/tidelog/tide/broker/objstore/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

// rig is a cleaner whose clock the test sets.
type rig struct {
	*Cleaner
	t      *testing.T
	quorum *meta.Local
	store  objstore.Store
	now    time.Time
}

func newRig(t *testing.T, store objstore.Store) *rig {
	r := &rig{t: t, quorum: meta.NewLocal(), store: store, now: time.UnixMilli(1_000_000)}
	replica := meta.NewReplica(r.quorum, slog.New(slog.NewTextHandler(io.Discard, nil)))
	rctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = replica.Run(rctx) }()
	t.Cleanup(func() { stop(); <-ended })
	r.Cleaner = NewCleaner(CleanerConfig{Store: store, Meta: replica, Grace: time.Minute, Clock: func() time.Time { return r.now }})
	_, err := replica.Propose(ctx, meta.RegisterNode{NodeID: 1, Advertise: "h:1"})
	require.NoError(t, err)
	return r
}

// prepare takes an id and puts bytes under it, as an upload that never
// commits does.
func (r *rig) prepare(until time.Time) int64 {
	res, err := r.cfg.Meta.Propose(ctx, meta.PrepareObjects{NodeID: 1, NodeEpoch: 1, Count: 1, Until: until.UnixMilli()})
	require.NoError(r.t, err)
	require.NoError(r.t, r.store.Put(ctx, object.Key("DEFAULT", res.FirstObjectID), objstore.Body{[]byte("x")}))
	return res.FirstObjectID
}

func (r *rig) there(id int64) bool {
	_, err := r.store.Head(ctx, object.Key("DEFAULT", id))
	if !errors.Is(err, objstore.ErrNotFound) {
		require.NoError(r.t, err)
	}
	return err == nil
}

func TestExpiredUploadGoesAfterTheGraceTime(t *testing.T) {
	r := newRig(t, memstore.New())
	old, young := r.prepare(r.now.Add(time.Second)), r.prepare(r.now.Add(time.Hour))
	require.NoError(t, r.Round(ctx))
	require.Empty(t, r.cfg.Meta.Objects(meta.Destroyed), "nothing has expired")

	r.now = r.now.Add(2 * time.Second)
	require.NoError(t, r.Round(ctx))
	require.Len(t, r.cfg.Meta.Objects(meta.Destroyed), 1, "a command first")
	require.True(t, r.there(old), "the bytes wait")
	r.now = r.now.Add(59 * time.Second)
	require.NoError(t, r.Round(ctx))
	require.True(t, r.there(old))

	r.now = r.now.Add(2 * time.Second)
	require.NoError(t, r.Round(ctx))
	require.False(t, r.there(old))
	require.True(t, r.there(young))
	require.Empty(t, r.cfg.Meta.Objects(meta.Destroyed), "and the id is forgotten")
	require.EqualValues(t, 1, r.Deleted())
}

// stuck refuses to delete.
type stuck struct {
	objstore.Store
	broken bool
}

func (s *stuck) Delete(ctx context.Context, key string) error {
	if s.broken {
		return errors.New("no route to the store")
	}
	return s.Store.Delete(ctx, key)
}

func TestFailedDeleteIsTriedAgain(t *testing.T) {
	s := &stuck{Store: memstore.New(), broken: true}
	r := newRig(t, s)
	id := r.prepare(r.now)
	for range 3 {
		r.now = r.now.Add(2 * time.Minute)
		_ = r.Round(ctx)
	}
	require.ErrorContains(t, r.Round(ctx), "no route to the store")
	require.Len(t, r.cfg.Meta.Objects(meta.Destroyed), 1, "not forgotten while its bytes are there")
	s.broken = false
	require.NoError(t, r.Round(ctx))
	require.False(t, r.there(id))
}

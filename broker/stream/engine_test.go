package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/wal"
	"github.com/tidelog/tide/iopath/mem"
)

func TestFromCacheThenFromObjects(t *testing.T) {
	r := newRig(t, 3)
	l := r.open()
	defer l.close()
	for i := range 3 {
		s := l.stream(i)
		l.mustAdd(s, 100, 1000)
		require.EqualValues(t, 100, s.End())
		l.verify(s, 0, 100, 1000)
	}
	require.Zero(t, l.Stats().ObjectRecords)
	l.settle()
	require.Positive(t, l.cache.Drop())
	for i := range 3 {
		s := l.stream(i)
		known, _ := l.replica.Stream(s.ID())
		require.EqualValues(t, 100, known.End)
		require.EqualValues(t, 100, binary.BigEndian.Uint64(known.State), "every batch is folded once")
		l.verify(s, 0, 100, 1000)
	}
	require.EqualValues(t, 300, l.Stats().ObjectRecords)
	require.EqualValues(t, 300, l.Stats().LogCacheRecords)
}

func TestNothingIsVisibleBeforeItIsDurable(t *testing.T) {
	r := newRig(t, 1)
	l := r.open()
	defer l.close()
	s := l.stream(0)
	done, err := s.add(context.Background(), 3, 500)
	require.NoError(t, err)
	require.EqualValues(t, 3, s.Next())
	require.Zero(t, s.End(), "appended, not committed")
	read, err := s.Fetch(context.Background(), 0, 1000, true)
	require.NoError(t, err)
	require.Zero(t, read.Bytes)

	w := NewWaiter()
	s.Watch(w)
	defer s.Unwatch(w)
	l.Commit()
	require.NoError(t, <-done)
	<-w.C
	require.EqualValues(t, 3, s.End())
}

func TestFetchBounds(t *testing.T) {
	r := newRig(t, 1)
	l := r.open()
	defer l.close()
	s := l.stream(0)
	l.mustAdd(s, 10, 1000)
	for _, at := range []int64{-1, 11} {
		_, err := s.Fetch(context.Background(), at, 1000, true)
		require.ErrorIs(t, err, ErrOffsetOutOfRange)
	}
	for _, where := range []string{"log cache", "object"} {
		read, err := s.Fetch(context.Background(), 2, 2500, true)
		require.NoError(t, err)
		require.EqualValues(t, 4, read.Next, where)
		read, err = s.Fetch(context.Background(), 2, 10, false)
		require.NoError(t, err)
		require.Zero(t, read.Bytes, where)
		read, err = s.Fetch(context.Background(), 2, 10, true)
		require.NoError(t, err)
		require.EqualValues(t, 3, read.Next, where)
		l.settle()
		l.cache.Drop()
	}
	require.NoError(t, s.Trim(context.Background(), 5))
	_, err := s.Fetch(context.Background(), 4, 1000, true)
	require.ErrorIs(t, err, ErrOffsetOutOfRange)
	l.verify(s, 5, 10, 1000)
}

func TestCrashKeepsWhatWasAcknowledged(t *testing.T) {
	r := newRig(t, 2)
	l := r.open()
	l.mustAdd(l.stream(0), 200, 900) // seals at 256 KiB more than once
	l.mustAdd(l.stream(1), 300, 900)
	l.end()

	for life := range 3 {
		l = r.open()
		a, b := l.stream(0), l.stream(1)
		require.EqualValues(t, 200+life*10, a.Next())
		l.verify(a, 0, a.End(), 900)
		l.verify(b, 0, 300, 900)
		known, _ := l.replica.Stream(a.ID())
		require.EqualValues(t, a.End(), binary.BigEndian.Uint64(known.State))
		l.mustAdd(a, 10, 900)
		l.end()
	}
}

func TestCleanCloseLeavesNothingToRecover(t *testing.T) {
	r := newRig(t, 1)
	l := r.open()
	l.mustAdd(l.stream(0), 50, 900)
	l.close()
	// A node that closed clean may come back with another WAL.
	r.device = mem.NewDevice(4 << 20)
	l = r.open()
	defer l.close()
	require.Zero(t, l.Stats().Recovery.Kept)
	l.verify(l.stream(0), 0, 50, 900)
}

func TestAnotherWALIsRefused(t *testing.T) {
	r := newRig(t, 1)
	l := r.open()
	l.mustAdd(l.stream(0), 50, 900)
	l.end()
	r.device = mem.NewDevice(4 << 20)
	_, err := r.tryOpen(context.Background())
	require.ErrorIs(t, err, wal.ErrForeign)
	require.ErrorContains(t, err, "--discard-wal")
	r.tune = func(c *Config) { c.DiscardWAL = true }
	l = r.open()
	defer l.close()
	require.Zero(t, l.stream(0).End(), "what was discarded is gone, and the stream goes on where it is committed")
	l.mustAdd(l.stream(0), 1, 900)
}

// gate is a store whose puts fail while it is shut.
type gate struct {
	objstore.Store
	mu   sync.Mutex
	shut bool
}

var errShut = errors.New("the store is shut")

func (g *gate) Put(ctx context.Context, key string, body objstore.Body) error {
	g.mu.Lock()
	shut := g.shut
	g.mu.Unlock()
	if shut {
		return errShut
	}
	return g.Store.Put(ctx, key, body)
}

func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
}

func TestBackPressureTakesNoOffset(t *testing.T) {
	r := newRig(t, 1)
	g := &gate{Store: r.store, shut: true}
	r.store = g
	l := r.open()
	defer l.close()
	s := l.stream(0)
	full := func(ctx context.Context) error {
		for {
			if _, err := s.add(ctx, 1, 10_000); err != nil {
				return err
			}
			l.Commit()
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	late := errors.New("timeout.ms has passed")
	stopped := make(chan error)
	go func() { stopped <- full(ctx) }()
	for l.Stats().SpaceWaits == 0 { // the store is shut, so the cache must fill
	}
	next := s.Next()
	cancel(late)
	require.ErrorIs(t, <-stopped, late)
	require.Equal(t, next, s.Next(), "a refused append has no offset")

	g.set(false)
	l.mustAdd(s, 200, 10_000) // more than the cache holds: it flows again
	l.verify(s, 0, s.End(), 10_000)
}

func TestRecoveryWaitsForTheStore(t *testing.T) {
	r := newRig(t, 1)
	g := &gate{Store: r.store}
	r.store = g
	l := r.open()
	l.mustAdd(l.stream(0), 100, 900)
	l.end()
	g.set(true)
	ctx, cancel := context.WithCancel(context.Background())
	opened := make(chan error)
	go func() {
		_, err := r.tryOpen(ctx)
		opened <- err
	}()
	cancel()
	require.ErrorIs(t, <-opened, context.Canceled, "the WAL is not reset before its records are committed")
	g.set(false)
	l = r.open()
	defer l.close()
	l.verify(l.stream(0), 0, 100, 900)
}

func TestDeletedTopicIsLeftOut(t *testing.T) {
	r := newRig(t, 1)
	l := r.open()
	s := l.stream(0)
	l.mustAdd(s, 100, 900)
	_, err := l.replica.Propose(context.Background(), meta.DeleteTopic{Name: "t"})
	require.NoError(t, err)
	s.Close()
	_, err = s.add(context.Background(), 1, 10)
	require.ErrorIs(t, err, ErrClosed)
	l.settle()
	require.Zero(t, l.UploadStats().Objects)
	l.end()
	l = r.open()
	defer l.close()
	require.Zero(t, l.Stats().Recovery.Kept)
}

func TestBatchThatNeverFits(t *testing.T) {
	r := newRig(t, 1)
	l := r.open()
	defer l.close()
	s := l.stream(0)
	_, err := s.add(context.Background(), 1, l.MaxBatch()+1)
	require.ErrorIs(t, err, ErrTooLarge)
	l.mustAdd(s, 1, l.MaxBatch())
	l.verify(s, 0, 1, l.MaxBatch())
}

func TestConcurrentWritersAndReaders(t *testing.T) {
	const parts, batches, size = 8, 400, 3000
	r := newRig(t, parts)
	l := r.open()
	var wg sync.WaitGroup
	for i := range parts {
		s := l.stream(i)
		wg.Go(func() { l.mustAdd(s, batches, size) })
		wg.Go(func() {
			w := NewWaiter()
			s.Watch(w)
			defer s.Unwatch(w)
			for at := int64(0); at < batches; {
				end := s.End()
				l.verify(s, at, end, size)
				if at = end; at < batches {
					<-w.C
				}
			}
		})
	}
	wg.Wait()
	require.Positive(t, l.UploadStats().Objects)
	l.end()
	l = r.open()
	defer l.close()
	for i := range parts {
		l.verify(l.stream(i), 0, batches, size)
	}
}

package stream

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/logcache"
	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/dir"
	"github.com/tidelog/tide/broker/upload"
	"github.com/tidelog/tide/broker/wal"
)

// TestAppendGoesOnAfterAReader: the cache is full of committed blocks, and a
// reader that copies out of the oldest one is all that keeps an append waiting.
func TestAppendGoesOnAfterAReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		l := r.open()
		defer l.close()
		s := l.stream(0)
		l.mustAdd(s, 95, 10_000)
		l.settle()
		reading := l.cache.Read(s.id, 0, s.End(), 1, true)
		added := make(chan error)
		go func() {
			var err error
			for range 30 {
				if _, err = s.add(t.Context(), 1, 10_000); err != nil {
					break
				}
				l.Commit()
			}
			added <- err
		}()
		synctest.Wait()
		require.Positive(t, l.Stats().SpaceWaits)
		release(reading.Pinned)
		require.NoError(t, <-added)
	})
}

// TestNobodyWaitsForAPacedUpload: a block that took long to fill is put at its
// pace; then a burst of tiny batches fills the cache before it is large enough
// to be sealed.
func TestNobodyWaitsForAPacedUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 4)
		r.tune = func(c *Config) {
			c.UploadThreshold, c.UploadInterval, c.Upload.LeastRate = 512<<10, 100*time.Second, 1
		}
		l := r.open()
		defer l.close()
		for i := range 4 {
			l.mustAdd(l.stream(i), 10, 10_400) // an object each
		}
		time.Sleep(101 * time.Second)
		synctest.Wait()
		require.Positive(t, l.UploadStats().Pending)
		begin := time.Now()
		l.mustAdd(l.stream(0), 9000, 16)
		require.Positive(t, l.Stats().SpaceWaits)
		require.Less(t, time.Since(begin), time.Second)
	})
}

// TestMetadataOfAnotherLifeIsRefused: the WAL is right and the data directory
// is new. Every record would look unknown and be dropped.
func TestMetadataOfAnotherLifeIsRefused(t *testing.T) {
	r := newRig(t, 1)
	r.open().end()
	l := r.open()
	l.mustAdd(l.stream(0), 10, 1000)
	l.end()
	right := r.quorum
	r.quorum = newRig(t, 1).quorum
	_, err := r.tryOpen(context.Background())
	require.ErrorIs(t, err, wal.ErrForeign)
	r.quorum = right
	l = r.open()
	defer l.close()
	l.verify(l.stream(0), 0, 10, 1000)
}

func TestRestartWithASmallerCacheSaysWhatItNeeds(t *testing.T) {
	r := newRig(t, 1)
	l := r.open()
	l.mustAdd(l.stream(0), 1, 300_000)
	l.end()
	cacheOf := func(size int64) func(*Config) {
		return func(c *Config) {
			small, err := logcache.New(logcache.Config{Size: size})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, small.Close()) })
			c.Cache, c.UploadThreshold = small, 128<<10
		}
	}
	r.tune = cacheOf(256 << 10)
	_, err := r.tryOpen(context.Background())
	needed := logcache.SizeFor(300_033)
	require.ErrorContains(t, err, fmt.Sprintf("raise --log-cache to %d or more", needed))
	r.tune = cacheOf(needed)
	l = r.open()
	defer l.close()
	l.verify(l.stream(0), 0, 1, 300_000)
}

// hung is a store whose puts do not return, whatever becomes of their context.
type hung struct {
	objstore.Store
	free chan struct{}
}

func (h hung) Put(ctx context.Context, key string, b objstore.Body) error {
	<-h.free
	return h.Store.Put(ctx, key, b)
}

// TestHungStoreDoesNotHoldAStopUp: time is synctest's, so the deadlines pass
// when nothing else can happen.
func TestHungStoreDoesNotHoldAStopUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		whole := r.store
		h := hung{whole, make(chan struct{})}
		r.store = h
		l := r.open()
		l.mustAdd(l.stream(0), 10, 1000)
		ctx, cancel := context.WithTimeout(t.Context(), closeGrace)
		defer cancel()
		require.ErrorIs(t, l.Engine.Close(ctx), ErrHung)
		close(h.free)
		l.end()

		h = hung{whole, make(chan struct{})}
		r.store = h
		ctx, cancel = context.WithTimeout(t.Context(), closeGrace)
		defer cancel()
		_, err := r.tryOpenKeeping(ctx, func() { close(h.free) })
		require.ErrorIs(t, err, ErrHung)

		r.store = whole
		l = r.open()
		defer l.close()
		l.verify(l.stream(0), 0, 10, 1000)
	})
}

func TestLargerThanTheBlockCacheIsReadable(t *testing.T) {
	r := newRig(t, 1)
	r.tune = func(c *Config) {
		tiny, err := blockcache.New(blockcache.Config{Store: r.store, Size: 64 << 10})
		require.NoError(t, err)
		t.Cleanup(tiny.Close)
		c.Blocks = tiny
	}
	l := r.open()
	defer l.close()
	l.mustAdd(l.stream(0), 1, 200_000)
	l.settle()
	require.Positive(t, l.cache.Drop())
	l.verify(l.stream(0), 0, 1, 200_000)
}

// TestStoreOfOtherMetadata: ids begin again at 1, and the keys are taken.
func TestStoreOfOtherMetadata(t *testing.T) {
	store, err := dir.Open(dir.Config{Root: t.TempDir(), Logger: quiet})
	require.NoError(t, err)
	defer store.Close()
	r := newRig(t, 1)
	r.store = store
	l := r.open()
	l.mustAdd(l.stream(0), 10, 1000)
	l.close()
	other := newRig(t, 1)
	other.store = store
	l = other.open()
	defer l.end()
	l.mustAdd(l.stream(0), 10, 900)
	require.ErrorIs(t, l.flush(context.Background()), objstore.ErrExists)
	require.ErrorIs(t, <-l.Failed(), objstore.ErrExists)
}

// TestExpiredUploadLeavesNothingBehind: the cleaner has deleted and forgotten
// the id before the put went through.
func TestExpiredUploadLeavesNothingBehind(t *testing.T) {
	r := newRig(t, 1)
	g := &gate{Store: r.store, shut: true}
	r.store = g
	l := r.open()
	defer l.close()
	l.mustAdd(l.stream(0), 10, 1000)
	flushed := make(chan error, 1)
	go func() { flushed <- l.flush(context.Background()) }()
	for l.UploadStats().Retries == 0 { // prepared, and its put has failed
	}
	ctx := context.Background()
	id := l.replica.Objects(meta.Prepared)[0].ID
	_, err := l.replica.Propose(ctx, meta.ExpireObjects{Before: 1 << 60})
	require.NoError(t, err)
	_, err = l.replica.Propose(ctx, meta.ForgetObjects{IDs: []int64{id}})
	require.NoError(t, err)
	g.set(false)
	require.NoError(t, <-flushed)
	objects := 0
	require.NoError(t, g.List(ctx, "", func(objstore.Info) error { objects++; return nil }))
	require.Equal(t, 1, objects)
}

// TestTrimToTheEnd: what is in no object yet is uploaded first.
func TestTrimToTheEnd(t *testing.T) {
	r := newRig(t, 1)
	l := r.open()
	defer l.close()
	s := l.stream(0)
	l.mustAdd(s, 10, 1000)
	require.NoError(t, s.Trim(context.Background(), s.End()))
	require.EqualValues(t, 10, s.Start())
	l.mustAdd(s, 1, 1000)
	l.verify(s, 10, 11, 1000)
	require.ErrorIs(t, s.Trim(context.Background(), 12), ErrOffsetOutOfRange)
}

// timeless is countFolder for records without timestamps.
type timeless struct{ countFolder }

type timelessState struct{ upload.State }

func (timelessState) MaxTimestamp() int64 { return -1 }

func (f timeless) Load(id int64, record []byte) (upload.State, error) {
	s, err := f.countFolder.Load(id, record)
	return timelessState{s}, err
}

// TestTimelessRanges: what has no time of its own has its object's.
func TestTimelessRanges(t *testing.T) {
	r := newRig(t, 1)
	r.tune = func(c *Config) { c.Upload.Folder = timeless{} }
	l := r.open()
	defer l.close()
	s := l.stream(0)
	l.mustAdd(s, 1, 1000)
	l.settle()
	got := s.TimeRanges()
	require.Len(t, got, 1)
	require.EqualValues(t, -1, got[0].MaxTimestamp)
	require.Positive(t, got[0].Written)
}

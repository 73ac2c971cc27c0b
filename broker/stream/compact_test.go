package stream

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/compact"
	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
)

// compactor merges what the life has; target in bytes.
func (l *life) compactor(target int64) *compact.Compactor {
	c, err := compact.New(compact.Config{
		Store: l.rig.store, Meta: l.replica, NodeID: 1, NodeEpoch: l.Epoch(), Target: target, Logger: quiet,
	})
	require.NoError(l.rig.t, err)
	return c
}

// cleaner deletes in each round what was destroyed before the one before it.
func (l *life) cleaner() *compact.Cleaner {
	now := time.UnixMilli(1_000_000)
	return compact.NewCleaner(compact.CleanerConfig{
		Store: l.rig.store, Meta: l.replica, Logger: quiet,
		Clock: func() time.Time { now = now.Add(time.Hour); return now }, // ids are prepared by the real clock, far ahead
	})
}

// onGet calls fn before the first GET.
type onGet struct {
	objstore.Store
	once sync.Once
	fn   func()
}

func (s *onGet) GetRange(ctx context.Context, key string, pos int64, p []byte) error {
	s.once.Do(s.fn)
	return s.Store.GetRange(ctx, key, pos, p)
}

// TestReaderOfACompactedObject: between the look at the metadata and the GET
// the object is merged away and deleted. The reader asks for newer metadata and
// finds its bytes where they are now.
func TestReaderOfACompactedObject(t *testing.T) {
	r := newRig(t, 2)
	var l *life
	gone := &onGet{Store: r.store, fn: func() {
		require.NoError(t, l.compactor(1<<20).Round(context.Background(), true))
		cleaner := l.cleaner()
		require.NoError(t, cleaner.Round(context.Background()))
		require.NoError(t, cleaner.Round(context.Background()))
	}}
	r.tune = func(c *Config) {
		blocks, err := blockcache.New(blockcache.Config{Store: gone, Size: 1 << 20})
		require.NoError(t, err)
		t.Cleanup(blocks.Close)
		c.Blocks = blocks
	}
	l = r.open()
	defer l.close()
	for range 4 {
		l.mustAdd(l.stream(0), 20, 1000)
		l.mustAdd(l.stream(1), 30, 1000)
		l.settle()
	}
	require.Positive(t, l.cache.Drop())
	require.Len(t, l.replica.Objects(meta.Committed), 4)
	l.verify(l.stream(0), 0, 80, 1000)
	l.verify(l.stream(1), 0, 120, 1000)
	require.Len(t, l.replica.Objects(meta.Committed), 1)
	require.Empty(t, l.replica.Objects(meta.Destroyed))
	require.EqualValues(t, 1, l.Stats().MetadataRefreshes)
}

// TestReadsWhileCompacting: producers append, readers read from the start, and
// everything is merged and cleaned behind their backs all the time.
func TestReadsWhileCompacting(t *testing.T) {
	r := newRig(t, 3)
	l := r.open()
	defer l.close()
	const batches, size = 300, 2000
	ctx, stop := context.WithCancel(context.Background())
	var producers, others errgroup.Group
	for i := range 3 {
		s := l.stream(i)
		producers.Go(func() error {
			for range batches / 10 {
				l.mustAdd(s, 10, size)
			}
			return nil
		})
		others.Go(func() error {
			for ctx.Err() == nil {
				l.verify(s, 0, s.End(), size)
			}
			return nil
		})
	}
	others.Go(func() error {
		c, cleaner := l.compactor(100<<10), l.cleaner()
		for ctx.Err() == nil {
			l.settle()
			l.cache.Drop()
			require.NoError(t, c.Round(context.Background(), true))
			require.NoError(t, cleaner.Round(context.Background()))
		}
		return nil
	})
	require.NoError(t, producers.Wait())
	stop()
	require.NoError(t, others.Wait())
	l.settle()
	require.NoError(t, l.compactor(100<<10).Round(context.Background(), true))
	l.cache.Drop()
	for i := range 3 {
		l.verify(l.stream(i), 0, batches, size)
	}
	require.LessOrEqual(t, len(l.replica.Objects(meta.Committed)), 3*batches*size/(100<<10)+4)
}

// TestRestartAfterCompaction: the next life finds its streams in what was
// merged, and can merge on.
func TestRestartAfterCompaction(t *testing.T) {
	r := newRig(t, 1)
	l := r.open()
	for range 3 {
		l.mustAdd(l.stream(0), 20, 1000)
		l.settle()
	}
	require.NoError(t, l.compactor(1<<20).Round(context.Background(), true))
	late := l.compactor(1 << 20)
	l.mustAdd(l.stream(0), 20, 1000)
	l.close()

	l = r.open()
	defer l.close()
	l.verify(l.stream(0), 0, 80, 1000)
	l.mustAdd(l.stream(0), 20, 1000)
	l.settle()
	require.Error(t, late.Round(context.Background(), true), "the process of the earlier epoch merges nothing any more")
	require.NoError(t, l.compactor(1<<20).Round(context.Background(), true))
	require.Len(t, l.replica.Objects(meta.Committed), 1)
	l.cache.Drop()
	l.verify(l.stream(0), 0, 100, 1000)
}

// TestGroupIsRead: one index entry over several DataBlocks, as the golden group
// object has them, is served from any offset in it.
func TestGroupIsRead(t *testing.T) {
	r := newRig(t, 1)
	l := r.open()
	defer l.close()
	for range 3 { // three uploads of two blocks each: six DataBlocks, one entry
		l.mustAdd(l.stream(0), 20, 1000)
		l.settle()
	}
	require.NoError(t, l.compactor(1<<20).Round(context.Background(), true))
	o := l.replica.Objects(meta.Committed)[0]
	require.EqualValues(t, object.IndexEntrySize, o.IndexLength, "one entry")
	l.cache.Drop()
	for from := range int64(60) {
		l.verify(l.stream(0), from, 60, 1000)
	}
}

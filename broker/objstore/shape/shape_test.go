package shape_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/mem"
	"github.com/tidelog/tide/broker/objstore/shape"
	"github.com/tidelog/tide/broker/objstore/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) objstore.Store { return wrap(t, mem.New(), shape.Config{Rate: 1 << 40}) })
}

func wrap(t *testing.T, inner objstore.Store, cfg shape.Config) *shape.Store {
	s, err := shape.New(inner, cfg)
	require.NoError(t, err)
	return s
}

// slow is a store that takes a second for each request and writes down who got
// in, in order.
type slow struct {
	objstore.Store
	mu     sync.Mutex
	order  []string
	inside int
	most   int
}

func (s *slow) serve(ctx context.Context, key string) error {
	s.mu.Lock()
	s.order = append(s.order, key)
	s.inside++
	s.most = max(s.most, s.inside)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inside--
	}()
	select {
	case <-time.After(time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slow) GetRange(ctx context.Context, key string, _ int64, _ []byte) error {
	return s.serve(ctx, key)
}

func (s *slow) Put(ctx context.Context, key string, _ objstore.Body) error { return s.serve(ctx, key) }

// crowd starts requests one after the other, so that they queue in this order,
// and waits for all.
func crowd(calls ...func()) {
	var all sync.WaitGroup
	for _, call := range calls {
		all.Add(1)
		go func() { defer all.Done(); call() }()
		synctest.Wait()
	}
	all.Wait()
}

func get(t *testing.T, s *shape.Store, c objstore.Class, key string) func() {
	return func() {
		require.NoError(t, s.GetRange(objstore.WithClass(t.Context(), c), key, 0, make([]byte, 10)))
	}
}

func TestTheMostUrgentGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &slow{}
		s := wrap(t, inner, shape.Config{Reads: 1, Writes: 1})
		crowd(
			get(t, s, objstore.ClassCompaction, "compaction 1"), // gets in: nobody is there
			get(t, s, objstore.ClassCompaction, "compaction 2"),
			get(t, s, objstore.ClassPrefetch, "prefetch"),
			get(t, s, objstore.ClassDemand, "demand 1"),
			get(t, s, objstore.ClassDemand, "demand 2"),
			get(t, s, objstore.ClassUpload, "upload"),
		)
		require.Equal(t, []string{"compaction 1", "upload", "demand 1", "demand 2", "prefetch", "compaction 2"}, inner.order)
		require.Equal(t, shape.Stats{Requests: 2, Bytes: 20, Waits: 2}, s.Stats(objstore.ClassDemand))
		require.Equal(t, shape.Stats{Requests: 2, Bytes: 20, Waits: 1}, s.Stats(objstore.ClassCompaction))
	})
}

// TestBackgroundLeavesPlaces: however much is prefetched and compacted, a
// demand read gets in at once, and reads do not take the places of writes.
func TestBackgroundLeavesPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &slow{}
		s := wrap(t, inner, shape.Config{Reads: 8, Writes: 1})
		var calls []func()
		for i := range 20 {
			calls = append(calls,
				get(t, s, objstore.ClassCompaction, fmt.Sprint("compaction ", i)), get(t, s, objstore.ClassPrefetch, fmt.Sprint("prefetch ", i)))
		}
		begin := time.Now()
		calls = append(calls, func() {
			get(t, s, objstore.ClassDemand, "demand")()
			require.Equal(t, time.Second, time.Since(begin), "it waited for nobody")
		}, func() {
			require.NoError(t, s.Put(t.Context(), "write", nil))
			require.Equal(t, time.Second, time.Since(begin))
		})
		crowd(calls...)
		require.Equal(t, 8, inner.most, "6 of prefetch and compaction, the demand read, the write")
		require.Len(t, inner.order, 42)
	})
}

func TestWhoGivesUpLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &slow{}
		s := wrap(t, inner, shape.Config{Reads: 1})
		short, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		crowd(
			get(t, s, objstore.ClassDemand, "first"),
			get(t, s, objstore.ClassDemand, "second"),
			func() {
				err := s.GetRange(short, "third", 0, make([]byte, 1))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorContains(t, err, "third: waiting for a place")
			},
			get(t, s, objstore.ClassDemand, "fourth"),
		)
		require.Equal(t, []string{"first", "second", "fourth"}, inner.order)
	})
}

// TestRateIsHeldAndShared: 1 MiB/s each way. What is urgent goes first, piece
// by piece, and no more than the rate goes in all.
func TestRateIsHeldAndShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := wrap(t, mem.New(), shape.Config{Rate: 1 << 20})
		begin := time.Now()
		ended := map[string]time.Duration{}
		var mu sync.Mutex
		put := func(c objstore.Class, key string, mib int) func() {
			return func() {
				body := objstore.Body{make([]byte, mib<<20)}
				require.NoError(t, s.Put(objstore.WithClass(t.Context(), c), key, body))
				mu.Lock()
				defer mu.Unlock()
				ended[key] = time.Since(begin).Round(time.Second)
			}
		}
		crowd(put(objstore.ClassCompaction, "compaction", 10), put(objstore.ClassUpload, "upload", 5), func() {
			require.ErrorIs(t, s.GetRange(t.Context(), "missing", 0, make([]byte, 1)), objstore.ErrNotFound)
			require.Less(t, time.Since(begin), time.Millisecond, "reads have a bucket of their own")
		})
		require.Equal(t, map[string]time.Duration{"upload": 4 * time.Second, "compaction": 14 * time.Second}, ended,
			"the first piece of an upload goes at once, and compaction waits for its last")
		require.EqualValues(t, 5<<20, s.Stats(objstore.ClassUpload).Bytes)
		require.Positive(t, s.Stats(objstore.ClassUpload).Paced)
	})
}

// TestUnusedBandwidthIsNotSaved beyond the burst.
func TestUnusedBandwidthIsNotSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := mem.New()
		require.NoError(t, inner.Put(t.Context(), "k", objstore.Body{make([]byte, 4<<20)}))
		s := wrap(t, inner, shape.Config{Rate: 1 << 20})
		time.Sleep(time.Hour)
		begin := time.Now()
		require.NoError(t, s.GetRange(t.Context(), "k", 0, make([]byte, 4<<20)))
		require.InDelta(t, 2.9, time.Since(begin).Seconds(), 0.01, "the last piece is a debt, the first a tenth of a second's savings")
		require.NoError(t, s.GetRange(t.Context(), "k", 0, make([]byte, 1)))
		require.InDelta(t, 3.9, time.Since(begin).Seconds(), 0.01, "which the next one pays")
	})
}

// TestGivingUpOnBandwidth leaves nothing behind.
func TestGivingUpOnBandwidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := wrap(t, mem.New(), shape.Config{Rate: 64 << 10})
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := s.Put(short, "k", objstore.Body{make([]byte, 8<<20)})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, s.Put(t.Context(), "small", objstore.Body{make([]byte, 1)}))
	})
}

// TestPacersAreAskedInTurn: the caller's own pacer holds no bandwidth while it
// waits.
func TestPacersAreAskedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := wrap(t, mem.New(), shape.Config{Rate: 1 << 30})
		asked := 0
		ctx := objstore.WithPacer(t.Context(), func(context.Context, int) error { asked++; time.Sleep(time.Second); return nil })
		begin := time.Now()
		require.NoError(t, s.Put(ctx, "k", objstore.Body{make([]byte, 3<<20)}))
		require.Equal(t, 3, asked)
		require.InDelta(t, 3, time.Since(begin).Seconds(), 0.01)
	})
}

func TestConfigReportsAllFaults(t *testing.T) {
	_, err := shape.New(mem.New(), shape.Config{Reads: -1, Writes: 5000, Rate: 10})
	for _, want := range []string{"-1 reads", "5000 writes", "10 bytes/s"} {
		require.ErrorContains(t, err, want)
	}
}

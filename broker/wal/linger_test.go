package wal

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/iopath/mem"
)

// timed runs fn on a log in memory, under virtual time. lag is how long after
// its Commit a record was durable.
func timed(t *testing.T, change func(*Config), fn func(t *testing.T, w *WAL, lag func() time.Duration)) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var at time.Time // guarded by mu
		p, err := mem.Open(mem.Config{Capacity: 1 << 20, ArenaSize: 1 << 20, Depth: 2})
		require.NoError(t, err)
		w, _ := openPath(t, p, func(c *Config) {
			c.OnDurable = func(Offset, error) {
				mu.Lock()
				defer mu.Unlock()
				at = time.Now()
			}
			change(c)
		})
		w.linger.sleep = time.Sleep // virtual
		require.NoError(t, w.Reset(context.Background(), 1))
		fn(t, w, func() time.Duration {
			begin := time.Now()
			put(t, w, []byte("record"))
			require.NoError(t, w.Drain(context.Background()))
			mu.Lock()
			defer mu.Unlock()
			return at.Sub(begin)
		})
		require.NoError(t, w.Close(context.Background(), false))
		require.NoError(t, p.Close())
	})
}

func TestAdaptiveLingerWaitsForNobody(t *testing.T) {
	timed(t, func(*Config) {}, func(t *testing.T, w *WAL, lag func() time.Duration) {
		for range 100 {
			require.Zero(t, lag())
		}
	})
}

func TestFixedLinger(t *testing.T) {
	timed(t, func(c *Config) { c.Linger, c.BlockSoft = 700*time.Microsecond, 8192 }, func(t *testing.T, w *WAL, lag func() time.Duration) {
		require.Equal(t, 700*time.Microsecond, lag())
		// Records of one linger share a write, which begins with the first.
		before := w.Stats().Writes
		put(t, w, []byte("first"))
		time.Sleep(300 * time.Microsecond)
		require.Equal(t, 400*time.Microsecond, lag())
		require.Equal(t, before+1, w.Stats().Writes)
		// A block that is full does not wait.
		put(t, w, make([]byte, 8192))
		synctest.Wait()
		s := w.Stats()
		require.Equal(t, s.Next, s.Durable)
	})
}

// Nothing leaves between ticks, not even a full block.
func TestTick(t *testing.T) {
	timed(t, func(c *Config) { c.Tick, c.BlockSoft, c.Depth = time.Millisecond, 8192, 2 }, func(t *testing.T, w *WAL, lag func() time.Duration) {
		require.Equal(t, time.Millisecond, lag())
		time.Sleep(400 * time.Microsecond)
		require.Equal(t, 600*time.Microsecond, lag())
		before := w.Stats().Writes
		put(t, w, make([]byte, 8192))
		put(t, w, []byte("in the next block"))
		synctest.Wait()
		require.Equal(t, before, w.Stats().Writes)
		require.Equal(t, time.Millisecond, lag())
		require.Equal(t, before+2, w.Stats().Writes)
	})
}

func TestLingerConfig(t *testing.T) {
	err := Config{Linger: -1, Tick: 2 * time.Second}.Validate()
	require.ErrorContains(t, err, "Linger -1ns")
	require.ErrorContains(t, err, "Tick 2s")
	require.ErrorContains(t, err, "exclude each other")
}

// A rate above busyRate makes the leader yield for more, and only then.
func TestRateDecides(t *testing.T) {
	timed(t, func(*Config) {}, func(t *testing.T, w *WAL, lag func() time.Duration) {
		busy := func(records int) bool {
			for range records {
				lag()
			}
			time.Sleep(rateSample)
			lag()
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.linger.busy
		}
		require.False(t, busy(10))
		require.True(t, busy(100))
		require.False(t, busy(0))
	})
}

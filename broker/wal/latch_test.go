package wal

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

var errDisk = errors.New("disk on fire")

// requireLatched checks what every latched log owes its callers.
func requireLatched(t *testing.T, w *WAL, s *sink, durable Offset, cause error) {
	t.Helper()
	end, err := s.state()
	require.ErrorIs(t, err, ErrLatched)
	require.ErrorIs(t, err, cause)
	require.Equal(t, durable, end, "nothing that was in flight counts")
	_, err = w.Reserve(1)
	require.ErrorIs(t, err, ErrLatched)
	require.ErrorIs(t, err, cause)
	require.ErrorIs(t, w.Trim(durable-blockSize), ErrLatched)
	require.ErrorIs(t, w.Drain(context.Background()), ErrLatched)
	w.Commit()
}

func TestFailedWriteLatches(t *testing.T) { synctest.Test(t, testFailedWriteLatches) }

func testFailedWriteLatches(t *testing.T) {
	d := newTestDevice(make([]byte, 1<<20), 1)
	w, s := startDevice(t, d, nil)
	put(t, w, []byte("good"))
	end, _ := s.state()
	d.set(errDisk, nil)
	put(t, w, []byte("bad"))
	d.set(nil, nil) // the next would succeed: it does not count
	requireLatched(t, w, s, end, errDisk)
	require.ErrorIs(t, w.Close(context.Background(), false), ErrLatched)
}

func TestRefusedSubmitLatches(t *testing.T) { synctest.Test(t, testRefusedSubmitLatches) }

func testRefusedSubmitLatches(t *testing.T) {
	d := newTestDevice(make([]byte, 1<<20), 1)
	w, s := startDevice(t, d, nil)
	put(t, w, []byte("good"))
	end, _ := s.state()
	d.set(nil, errDisk)
	put(t, w, []byte("bad"))
	requireLatched(t, w, s, end, errDisk)
	require.ErrorIs(t, w.Close(context.Background(), false), ErrLatched)
}

func TestFailedTrimLatches(t *testing.T) { synctest.Test(t, testFailedTrimLatches) }

func testFailedTrimLatches(t *testing.T) {
	d := newTestDevice(make([]byte, 1<<20), 1)
	w, s := startDevice(t, d, nil)
	off := put(t, w, []byte("good"))
	end, _ := s.state()
	d.set(errDisk, nil)
	require.NoError(t, w.Trim(off))
	require.ErrorIs(t, w.Close(context.Background(), false), ErrLatched)
	_, err := s.state()
	require.ErrorIs(t, err, errDisk)
	require.Equal(t, off+blockSize, end)
}

func TestResetReportsAFailedHeader(t *testing.T) {
	d := newTestDevice(make([]byte, 1<<20), 1)
	d.set(errDisk, nil)
	w, _ := openPath(t, d, nil)
	require.ErrorIs(t, w.Reset(context.Background(), 1), errDisk)
	require.ErrorIs(t, w.Close(context.Background(), false), errDisk)
}

// In-flight writes that land after another one failed are failed too.
func TestLatchFailsWhatIsInFlight(t *testing.T) {
	d := newTestDevice(make([]byte, 1<<20), 4)
	w, s := startDevice(t, d, func(c *Config) { c.Depth, c.BlockSoft = 4, 1 })
	end, _ := s.state()
	start := w.Stats().Durable
	d.hold(true)
	for range 3 {
		slot, err := w.Reserve(10)
		require.NoError(t, err)
		slot.Fill(nil, make([]byte, 10)) // sealed by its size: submitted at once
	}
	require.Equal(t, 3, d.pending())
	d.mu.Lock()
	for _, x := range d.inflight[1:] {
		copy(d.image[x.Pos:], x.Buf) // their bytes land
	}
	d.mu.Unlock()
	d.set(errDisk, nil)
	d.hold(false)
	require.ErrorIs(t, w.Drain(context.Background()), errDisk)
	require.Zero(t, end)
	requireLatched(t, w, s, start, errDisk)
	require.ErrorIs(t, w.Close(context.Background(), false), ErrLatched)
}

// A write that hangs latches after the timeout, and not before. The appender
// that leads comes back, and so does whoever waits for space.
func TestHangingWriteLatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTestDevice(make([]byte, 1<<20), 1)
		w, s := startDevice(t, d, func(c *Config) { c.WriteTimeout = 30 * time.Second })
		put(t, w, []byte("good"))
		end, _ := s.state()
		d.hold(true)
		returned := make(chan struct{})
		go func() {
			put(t, w, []byte("hangs"))
			close(returned)
		}()
		time.Sleep(29 * time.Second)
		synctest.Wait()
		_, err := s.state()
		require.NoError(t, err, "too early")
		<-returned
		requireLatched(t, w, s, end, errTimeout)
		require.ErrorIs(t, w.Close(context.Background(), false), ErrLatched)
	})
}

// Callers of Reserve, Fill and Trim may hold the lock that the callbacks take.
func TestCallbacksStayOutsideOfAppends(t *testing.T) {
	d := newTestDevice(make([]byte, 1<<20), 1)
	var mu sync.Mutex
	failed := make(chan error, 1)
	w, _ := openPath(t, d, func(c *Config) {
		c.BlockSoft = 1
		c.OnDurable = func(_ Offset, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed <- err
			}
		}
	})
	require.NoError(t, w.Reset(context.Background(), 1))
	off := put(t, w, []byte("good"))
	d.set(nil, errDisk)
	mu.Lock()
	require.NoError(t, w.Trim(off))
	slot, err := w.Reserve(10)
	if err == nil { // the failed trim may have latched already
		slot.Fill(make([]byte, 10), nil)
	}
	mu.Unlock()
	require.ErrorIs(t, <-failed, errDisk)
	require.ErrorIs(t, w.Close(context.Background(), false), errDisk)
}

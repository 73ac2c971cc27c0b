package wal

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/mem"
)

// counted is memory that accounts for a number of writes a second.
type counted struct {
	iopath.Path
	iops int64
}

func (c counted) Geometry() iopath.Geometry {
	g := c.Path.Geometry()
	g.IOPS = c.iops
	return g
}

// paced runs fn on a log over such memory, under virtual time.
func paced(t *testing.T, change func(*Config), fn func(t *testing.T, w *WAL)) {
	synctest.Test(t, func(t *testing.T) {
		p, err := mem.Open(mem.Config{Capacity: 1 << 20, ArenaSize: 1 << 20, Depth: 4})
		require.NoError(t, err)
		w, _ := openPath(t, counted{p, 1000}, change)
		w.linger.sleep = time.Sleep // virtual
		require.NoError(t, w.Reset(context.Background(), 1))
		fn(t, w)
		require.NoError(t, w.Close(context.Background(), false))
		require.NoError(t, p.Close())
	})
}

// Little load does not wait; more is gathered into one write each millisecond.
func TestPaceGathersInTheLog(t *testing.T) {
	paced(t, nil, func(t *testing.T, w *WAL) {
		require.Equal(t, 4, w.Stats().Depth, "the pace bounds what is in flight")
		begin := time.Now()
		for range paceBurst {
			put(t, w, []byte("saved up"))
			require.NoError(t, w.Drain(context.Background()))
		}
		require.Zero(t, time.Since(begin))
		before := w.Stats().Writes
		for range 100 { // ten a millisecond
			put(t, w, []byte("record"))
			time.Sleep(100 * time.Microsecond)
		}
		require.NoError(t, w.Drain(context.Background()))
		require.InDelta(t, 10, w.Stats().Writes-before, 1)
		require.InDelta(t, 10*time.Millisecond, time.Since(begin), float64(time.Millisecond))
	})
}

// A block that was in time when it was opened may be late when it can be
// written: its turn must come all the same, with nobody appending.
func TestPaceForgetsNoBlock(t *testing.T) {
	paced(t, func(c *Config) { c.BlockSoft = 8192 }, func(t *testing.T, w *WAL) {
		for range 20 {
			put(t, w, make([]byte, 8000)) // a block each, and a rest
			put(t, w, []byte("rest"))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		s := w.Stats()
		require.Equal(t, s.Next, s.Durable)
	})
}

func TestNoPace(t *testing.T) {
	paced(t, func(c *Config) { c.NoPace = true }, func(t *testing.T, w *WAL) {
		begin := time.Now()
		for range 100 {
			put(t, w, []byte("record"))
			require.NoError(t, w.Drain(context.Background()))
		}
		require.Zero(t, time.Since(begin))
		require.EqualValues(t, 100, w.Stats().Writes)
	})
}

// A write longer than an I/O of the device counts as several.
func TestPaceCountsUnits(t *testing.T) {
	p := newPace(1000)
	p.take(0, paceUnit+1, 1)
	require.Equal(t, 2*time.Millisecond-paceBurst*time.Millisecond, p.wait(0))
	require.Zero(t, newPace(0).every)
}

// The device's time alone asks for depth on a slow one, and one hiccup does not.
func TestServiceAsksForDepth(t *testing.T) {
	var s service
	for range 100 {
		s.add(100 * time.Microsecond)
	}
	require.Equal(t, 1, s.depth())
	s.add(time.Second)
	require.Equal(t, 1, s.depth())
	for range 100 {
		s.add(600 * time.Microsecond)
	}
	require.Equal(t, 3, s.depth())
	for range 100 {
		s.add(10 * time.Millisecond)
	}
	require.Equal(t, mostBySlowness, s.depth(), "and not more, however slow: it may be the depth that makes it so")
}

// A device may be faster than it says, as one that merges writes (st1) is. What
// has landed is paid for: after a long load of full blocks, a record waits no
// longer than after a short one.
func TestPaceOwesNothingForWhatLanded(t *testing.T) {
	paced(t, func(c *Config) { c.BlockSoft = 1 }, func(t *testing.T, w *WAL) {
		for range 10_000 { // each sealed by its size: no block waits
			slot, err := w.Reserve(10)
			require.NoError(t, err)
			slot.Fill(nil, make([]byte, 10))
			w.Commit()
			require.NoError(t, w.Drain(context.Background()))
			require.NoError(t, w.Trim(slot.Offset))
			awaitHeader(t, w)
		}
		w.mu.Lock()
		wait := w.lead.pace.wait(w.now())
		w.mu.Unlock()
		require.LessOrEqual(t, wait, 4*time.Millisecond, "depth 4 at 1000 IOPS")
	})
}

// Close does not sit out the wait of a block that it writes itself.
func TestCloseDoesNotWaitForThePace(t *testing.T) {
	paced(t, nil, func(t *testing.T, w *WAL) {
		w.mu.Lock()
		w.lead.pace.paid = w.now() + time.Hour
		w.mu.Unlock()
		put(t, w, []byte("waits"))
		synctest.Wait() // the goroutine of the pace sleeps
		begin := time.Now()
		require.NoError(t, w.Close(context.Background(), false))
		require.LessOrEqual(t, time.Since(begin), longestNap)
	})
}

package wal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/mem"
)

// crowd drives a log from many goroutines, as the stream engine does: each
// appends one record at a time and waits until it is durable.
type crowd struct {
	w *WAL

	mu      sync.Mutex
	waiters []waiter // guarded by mu, in no order
	full    []chan struct{}
	err     error
}

type waiter struct {
	off  Offset
	done chan struct{}
}

func (c *crowd) durable(end Offset, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	c.waiters = slices.DeleteFunc(c.waiters, func(x waiter) bool {
		if x.off >= end && err == nil {
			return false
		}
		x.done <- struct{}{}
		return true
	})
}

func (c *crowd) onSpace() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ch := range c.full {
		ch <- struct{}{}
	}
	c.full = c.full[:0]
}

// append returns when the record is durable. done is the caller's channel, of
// capacity 1.
func (c *crowd) append(body []byte, done chan struct{}) (Offset, error) {
	for {
		c.mu.Lock() // OnDurable and OnSpace cannot come between Reserve and the list
		s, err := c.w.Reserve(len(body))
		switch {
		case err == nil:
			c.waiters = append(c.waiters, waiter{s.Offset, done})
		case errors.Is(err, ErrFull):
			c.full = append(c.full, done)
		}
		c.mu.Unlock()
		switch {
		case err == nil:
			s.Fill(body[:8], body[8:])
			c.w.Commit()
			<-done
			return s.Offset, nil
		case errors.Is(err, ErrFull):
			<-done
		default:
			return 0, err
		}
	}
}

// Many appenders, a ring a hundredth of what they write, and a trim behind
// them: everything gets through, and what is live at the end is recovered.
func TestCrowd(t *testing.T) {
	for _, depth := range []int{1, 4} {
		for _, soft := range []int{4096, 64 << 10} {
			t.Run(fmt.Sprintf("depth=%d/soft=%d", depth, soft), func(t *testing.T) { testCrowd(t, depth, soft) })
		}
	}
}

func testCrowd(t *testing.T, depth, soft int) {
	const appenders, each = 32, 100
	c, dev := &crowd{}, mem.NewDevice(256<<10)
	c.w, _ = openMem(t, dev, depth, func(cfg *Config) {
		cfg.OnDurable, cfg.OnSpace = c.durable, c.onSpace
		cfg.BlockSoft, cfg.BlockHard, cfg.WindowInitial, cfg.WindowStep = soft, 64<<10, 8192, 8192
	})
	require.NoError(t, c.w.Reset(context.Background(), 1))
	var progress sync.Mutex
	var acked []Offset // guarded by progress
	var wg sync.WaitGroup
	for a := range appenders {
		wg.Go(func() {
			done := make(chan struct{}, 1)
			for n := range each {
				body := make([]byte, 8+(a*n)%9000)
				binary.BigEndian.PutUint64(body, uint64(a*each+n))
				off, err := c.append(body, done)
				if err != nil {
					t.Error(err)
					return
				}
				progress.Lock()
				acked = append(acked, off)
				slices.Sort(acked)
				// Not the last one, so that something is left to recover. With a
				// trim only now and then, all could wait for space at once.
				if len(acked)%10 != 0 {
					err = c.w.Trim(oldestAwaited(c, acked))
				}
				progress.Unlock()
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s := c.w.Stats()
	require.EqualValues(t, appenders*each, s.Records)
	require.NoError(t, c.w.Close(context.Background(), false))
	h, _ := c.w.Header()
	offs, _, _, err := recovered(t, dev, RecoverOptions{})
	require.NoError(t, err)
	want := acked[slices.Index(acked, h.TrimOffset)+1:]
	require.True(t, slices.Equal(want, offs), "live records %v, recovered %v", want, offs) // either may be nil
}

// oldestAwaited is the newest acked offset below which nothing is awaited.
func oldestAwaited(c *crowd, acked []Offset) Offset {
	c.mu.Lock()
	defer c.mu.Unlock()
	limit := acked[len(acked)-1] + 1
	for _, x := range c.waiters {
		limit = min(limit, x.off)
	}
	i, _ := slices.BinarySearch(acked, limit)
	return acked[max(i-1, 0)]
}

// A filler that stays away between Reserve and Fill holds up the acks behind
// it, not the log: what comes meanwhile is written as soon as it has filled,
// though it never calls Commit itself.
func TestLateFill(t *testing.T) {
	d := newTestDevice(make([]byte, 1<<20), 1)
	w, s := startDevice(t, d, nil)
	late, err := w.Reserve(10)
	require.NoError(t, err)
	off := put(t, w, []byte("in the same block"))
	end, _ := s.state()
	require.LessOrEqual(t, end, late.Offset)
	late.Fill(make([]byte, 5), make([]byte, 5))
	require.NoError(t, w.Drain(context.Background()))
	end, _ = s.state()
	require.Greater(t, end, off)
	require.NoError(t, w.Close(context.Background(), false))
}

// While a write is in flight, Commit returns at once and the next block
// collects: all those records go in one write.
func TestGroupCommit(t *testing.T) {
	d := newTestDevice(make([]byte, 1<<20), 1)
	w, _ := startDevice(t, d, nil)
	d.hold(true)
	led := make(chan struct{})
	go func() {
		put(t, w, []byte("leads"))
		close(led)
	}()
	for d.pending() == 0 {
		<-d.wake // the leader has submitted
	}
	before := w.Stats().Writes
	for range 100 {
		put(t, w, []byte("follows"))
	}
	require.Equal(t, before, w.Stats().Writes)
	d.hold(false)
	<-led
	require.NoError(t, w.Drain(context.Background()))
	require.Equal(t, before+1, w.Stats().Writes)
	require.NoError(t, w.Close(context.Background(), false))
}

// An appender submits beside the leader, and while it does the leader's last
// write ends and the leader leaves. The write that comes then is nobody's,
// unless the one who submitted it looks again.
func TestLeaderLeavesDuringASubmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTestDevice(make([]byte, 1<<20), 2)
		w, s := startDevice(t, d, func(c *Config) { c.Depth = 2 })
		d.hold(true)
		go put(t, w, []byte("leads"))
		synctest.Wait()
		submitting, release := make(chan struct{}), make(chan struct{})
		d.entered = func() {
			close(submitting)
			<-release
		}
		go put(t, w, []byte("follows"))
		<-submitting
		d.hold(false)
		synctest.Wait() // the leader has left
		close(release)
		synctest.Wait()
		end, err := s.state()
		require.NoError(t, err)
		require.Equal(t, w.Stats().Next, end)
		require.NoError(t, w.Close(context.Background(), false))
	})
}

// A block beyond the window waits until the header with the larger one is
// durable.
func TestWindowGrowsBeforeTheBlock(t *testing.T) {
	d := newTestDevice(make([]byte, 1<<20), 4)
	w, _ := startDevice(t, d, func(c *Config) { c.WindowInitial, c.WindowStep = 4096, 8192 })
	d.hold(true)
	led := make(chan struct{})
	go func() {
		put(t, w, make([]byte, 5000)) // 8 KiB: more than the window
		close(led)
	}()
	for d.pending() == 0 {
		<-d.wake
	}
	d.mu.Lock()
	require.Len(t, d.inflight, 1)
	h, ok := decodeHeader(d.inflight[0].Buf)
	require.True(t, ok && d.inflight[0].Pos < ringStart, "the header goes first")
	require.EqualValues(t, 4096+8192, h.WindowMax)
	d.mu.Unlock()
	d.hold(false)
	<-led
	require.NoError(t, w.Drain(context.Background()))
	require.EqualValues(t, 1, w.Stats().WindowStalls)
	require.EqualValues(t, 4096+8192, w.Stats().WindowMax)
	require.NoError(t, w.Close(context.Background(), false))
}

// A header that was on its way when a larger window was asked for does not count
// for it: the block waits for the next one.
func TestWindowWaitsForItsOwnHeader(t *testing.T) { synctest.Test(t, testWindowWaitsForItsOwnHeader) }

func testWindowWaitsForItsOwnHeader(t *testing.T) {
	d := newTestDevice(make([]byte, 1<<20), 4)
	w, _ := startDevice(t, d, func(c *Config) { c.WindowInitial, c.WindowStep, c.BlockSoft = 4096, 4096, 1 })
	off := put(t, w, []byte("trimmed"))
	var order []string // guarded by d.mu
	d.observe = func(_ []byte, inflight []*iopath.Write) {
		for _, x := range inflight {
			h, _ := decodeHeader(x.Buf)
			order = append(order, fmt.Sprintf("%t %d", x.Pos < ringStart, h.WindowMax))
		}
	}
	d.hold(true)
	require.NoError(t, w.Trim(off))
	require.Equal(t, 1, d.pending())
	slot, err := w.Reserve(5000)
	require.NoError(t, err)
	slot.Fill(nil, make([]byte, 5000)) // sealed by its size: needs no Commit
	require.Equal(t, 1, d.pending())
	d.hold(false)
	require.NoError(t, w.Close(context.Background(), false))
	require.Equal(t, []string{"true 4096", "true 8192", "false 0"}, order)
}

// The depth goes up when full blocks wait, and down when they do not fill.
func TestDepthAdapts(t *testing.T) { synctest.Test(t, testDepthAdapts) }

func testDepthAdapts(t *testing.T) {
	d := newTestDevice(make([]byte, 1<<20), 4)
	w, _ := startDevice(t, d, func(c *Config) { c.BlockSoft, c.BlockHard = 4096, 4096 })
	widest := 0 // guarded by d.mu
	d.observe = func(_ []byte, inflight []*iopath.Write) { widest = max(widest, len(inflight)) }
	d.hold(true)
	var slots []Slot
	for range 8 {
		s, err := w.Reserve(4000)
		require.NoError(t, err)
		slots = append(slots, s)
	}
	for _, s := range slots {
		s.Fill(nil, make([]byte, 4000))
	}
	d.hold(false)
	require.NoError(t, w.Drain(context.Background()))
	d.mu.Lock()
	require.Greater(t, widest, 1)
	d.mu.Unlock()
	for range 4 {
		put(t, w, []byte("alone"))
	}
	require.NoError(t, w.Drain(context.Background()))
	require.Equal(t, 1, w.Stats().Depth)
	require.NoError(t, w.Close(context.Background(), false))
}

func TestAppendAllocatesNothing(t *testing.T) { synctest.Test(t, testAppendAllocatesNothing) }

func testAppendAllocatesNothing(t *testing.T) {
	w, _ := startMem(t, mem.NewDevice(1<<20), 2, nil)
	body := make([]byte, 1000)
	last := Offset(-1)
	one := func() {
		s, err := w.Reserve(len(body) + 33)
		if err != nil {
			t.Fatal(err)
		}
		s.Fill(body[:33], body)
		w.Commit()
		synctest.Wait() // if the reaper leads, Commit may return before the record is durable
		if last >= 0 {
			if err := w.Trim(last); err != nil {
				t.Fatal(err)
			}
		}
		last = s.Offset
	}
	for range 300 { // the ring wraps: buffers and blocks are there
		one()
	}
	require.Zero(t, testing.AllocsPerRun(500, one))
}

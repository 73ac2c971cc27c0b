package wal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/iopath/fault"
	"github.com/tidelog/tide/iopath/mem"
)

// numbered is the body of record number n: its bytes follow from n, so that a
// recovered record proves itself.
func numbered(n int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 0))
	body := make([]byte, 8+r.IntN(6000))
	binary.BigEndian.PutUint64(body, uint64(n))
	for i := 8; i < len(body); i++ {
		body[i] = byte(n + i)
	}
	return body
}

// Marks on the recorder's line of time: what the log had been told, and what it
// had said, before a crash.
type (
	durableMark Offset // OnDurable
	trimMark    int    // Trim, or Reset: records below may be gone
)

// history is what happened to one device over several lives, to be compared
// with what a crash leaves.
type history struct {
	t        *testing.T
	dev      *mem.Device
	recorder *fault.Recorder
	random   *rand.Rand

	mu      sync.Mutex
	offsets []Offset // of record n, by n
	durable Offset
	trimmed int // records below are
	space   chan struct{}
}

// TestCrashAnywhere records three lives of a small log whose writes complete in
// any order, and then recovers every image that a power cut may have left: at
// every moment, with any of the 4 KiB blocks in flight on the device or not.
func TestCrashAnywhere(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			h := &history{t: t, dev: mem.NewDevice(128 << 10), random: rand.New(rand.NewPCG(seed, 1)), space: make(chan struct{}, 1)}
			h.recorder = fault.NewRecorder(h.dev.Bytes())
			for life := range 3 {
				h.live(life, 1+int(seed), 60)
			}
			require.NoError(t, h.recorder.CrashImages(fault.CrashOptions{Rand: h.random, PerCut: 10}, h.check))
		})
	}
}

// live recovers the device, resets it and appends records, in blocks that are
// small enough for several to be in flight. Its end is a crash in itself: what
// is not trimmed stays for the next life.
func (h *history) live(life, depth, records int) {
	inner, err := mem.Open(mem.Config{Device: h.dev, ArenaSize: 64 << 10, Depth: 4})
	require.NoError(h.t, err)
	p := fault.Wrap(inner, fault.Config{Recorder: h.recorder, Reorder: true, Rand: h.random})
	defer p.Close()
	w, err := Open(Config{
		Path: p, Logger: quiet, OnDurable: h.onDurable, OnSpace: h.onSpace, Depth: depth,
		BlockSoft: 4096, BlockHard: 8192, WindowInitial: 8192, WindowStep: 4096, Clock: func() int64 { return 0 },
	})
	require.NoError(h.t, err)
	_, err = w.Recover(context.Background(), RecoverOptions{}, func(Record) error { return nil })
	require.NoError(h.t, err)
	h.trim(len(h.offsets)) // as if all of it had been uploaded
	require.NoError(h.t, w.Reset(context.Background(), int64(life+1)))
	for i := range records {
		body := numbered(len(h.offsets))
		h.reserve(w, len(body)).Fill(nil, body)
		if i%3 == 0 {
			w.Commit()
		}
	}
	require.NoError(h.t, w.Close(context.Background(), false))
}

func (h *history) onDurable(end Offset, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.t.Error(err)
	}
	h.durable = end
	h.recorder.Mark(durableMark(end))
}

func (h *history) onSpace() {
	select {
	case h.space <- struct{}{}:
	default:
	}
}

// reserve trims half of what is durable when the ring is full, as an upload
// would, and tries at once: the space must not be there before the header is.
// It waits when there is nothing more to trim.
func (h *history) reserve(w *WAL, n int) Slot {
	for {
		slot, err := w.Reserve(n)
		if err == nil {
			h.mu.Lock()
			h.offsets = append(h.offsets, slot.Offset)
			h.mu.Unlock()
			return slot
		}
		require.ErrorIs(h.t, err, ErrFull)
		h.mu.Lock()
		done := countBefore(h.offsets, h.durable)
		h.mu.Unlock()
		if done > h.trimmed {
			h.trim(h.trimmed + (done-h.trimmed+1)/2)
			require.NoError(h.t, w.Trim(h.offsets[h.trimmed-1]))
			continue
		}
		<-h.space
	}
}

// trim marks that the records below n may be gone from now on.
func (h *history) trim(n int) {
	h.trimmed = n
	h.recorder.Mark(trimMark(n))
}

func countBefore(offsets []Offset, end Offset) (n int) {
	for n < len(offsets) && offsets[n] < end {
		n++
	}
	return n
}

// check recovers what a crash left: no damage; records first … end without a
// gap, each whole and at its place; first not beyond what was trimmed, end not
// before what was reported durable.
func (h *history) check(c fault.Crash) error {
	reported, trimmed := 0, 0
	for _, m := range c.Marks {
		switch m := m.(type) {
		case durableMark:
			reported = countBefore(h.offsets, Offset(m))
		case trimMark:
			trimmed = int(m)
		}
	}
	offs, bodies, r, err := recovered(h.t, mem.NewDeviceFrom(c.Image), RecoverOptions{})
	if err != nil {
		return err
	}
	first, end := trimmed, trimmed
	if len(bodies) > 0 {
		first = int(binary.BigEndian.Uint64(bodies[0]))
		end = first + len(bodies)
	}
	if first > trimmed || end < reported {
		return fmt.Errorf("records [%d, %d), want all of [%d, %d): %+v", first, end, trimmed, reported, r)
	}
	for i, b := range bodies {
		if offs[i] != h.offsets[first+i] || !bytes.Equal(numbered(first+i), b) {
			return fmt.Errorf("record %d is not whole or not at its place", first+i)
		}
	}
	return nil
}

// What a lying disk loses behind the durable end is not taken for the end of
// the log: a record further away than any write in flight proves the loss.
func TestLostWriteIsDamage(t *testing.T) { synctest.Test(t, testLostWriteIsDamage) }

func testLostWriteIsDamage(t *testing.T) {
	dev := mem.NewDevice(1 << 20)
	inner, err := mem.Open(mem.Config{Device: dev, ArenaSize: 1 << 20})
	require.NoError(t, err)
	p := fault.Wrap(inner, fault.Config{})
	defer p.Close()
	w, _ := openPath(t, p, func(c *Config) { c.WindowInitial = 8192 })
	require.NoError(t, w.Reset(context.Background(), 1))
	put(t, w, []byte("kept"))
	p.Inject(fault.Rule{Kind: fault.Lost, Nth: 1})
	lost := put(t, w, []byte("lost"))
	for range 3 {
		put(t, w, []byte("beyond"))
	}
	require.NoError(t, w.Close(context.Background(), false))
	_, bodies, r, err := recovered(t, dev, RecoverOptions{})
	var damaged *DamagedError
	require.True(t, errors.As(err, &damaged))
	require.ErrorIs(t, err, ErrDamaged)
	require.Equal(t, lost, damaged.Damage[0].From)
	require.Len(t, bodies, 1)
	require.EqualValues(t, 1, r.Dropped)
	require.EqualValues(t, 2, r.Lost)
}

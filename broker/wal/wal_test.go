package wal

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// sink collects what the callbacks of a log say.
type sink struct {
	mu    sync.Mutex
	end   Offset
	err   error
	calls int
	space chan struct{} // capacity 1
}

func newSink() *sink { return &sink{space: make(chan struct{}, 1)} }

func (s *sink) durable(end Offset, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || end < s.end || (err == nil && end == s.end) {
		panic(fmt.Sprintf("OnDurable(%d, %v) after (%d, %v)", end, err, s.end, s.err))
	}
	s.end, s.err = end, err
	s.calls++
}

func (s *sink) onSpace() {
	select {
	case s.space <- struct{}{}:
	default:
	}
}

func (s *sink) state() (Offset, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end, s.err
}

// openMem opens a log on a device in memory. The path closes with the test.
func openMem(t testing.TB, dev *mem.Device, depth int, change func(*Config)) (*WAL, *sink) {
	t.Helper()
	p, err := mem.Open(mem.Config{Device: dev, ArenaSize: 1 << 20, Depth: depth})
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Close() })
	return openPath(t, p, change)
}

func openPath(t testing.TB, p iopath.Path, change func(*Config)) (*WAL, *sink) {
	t.Helper()
	s := newSink()
	cfg := Config{
		Path: p, NodeID: 7, Clock: func() int64 { return 1000 }, Logger: quiet,
		OnDurable: s.durable, OnSpace: s.onSpace,
	}
	if change != nil {
		change(&cfg)
	}
	w, err := Open(cfg)
	require.NoError(t, err)
	return w, s
}

// startMem is openMem and Reset, closed with the test.
func startMem(t testing.TB, dev *mem.Device, depth int, change func(*Config)) (*WAL, *sink) {
	t.Helper()
	w, s := openMem(t, dev, depth, change)
	require.NoError(t, w.Reset(context.Background(), 99))
	t.Cleanup(func() { _ = w.Close(context.Background(), false) })
	return w, s
}

// put appends one record and commits it.
func put(t testing.TB, w *WAL, body []byte) Offset {
	t.Helper()
	s, err := w.Reserve(len(body))
	require.NoError(t, err)
	s.Fill(body[:len(body)/3], body[len(body)/3:])
	w.Commit()
	return s.Offset
}

// awaitHeader returns when no trim or window is left to be written.
func awaitHeader(t testing.TB, w *WAL) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.NoError(t, w.await(context.Background(), func() bool { return !w.header.dirty && !w.header.busy }))
}

// recovered returns the records that a scan of dev hands out.
func recovered(t testing.TB, dev *mem.Device, opt RecoverOptions) ([]Offset, [][]byte, Recovery, error) {
	t.Helper()
	p, err := mem.Open(mem.Config{Device: dev, ArenaSize: 64 << 10})
	require.NoError(t, err)
	defer p.Close()
	w, _ := openPath(t, p, nil)
	var offs []Offset
	var bodies [][]byte
	r, err := w.Recover(context.Background(), opt, func(r Record) error {
		offs, bodies = append(offs, r.Offset), append(bodies, bytes.Clone(r.Body))
		return nil
	})
	return offs, bodies, r, err
}

// The vectors of docs/FORMAT.md: three records, each awaited, on a fresh
// device of 1 MiB.
func TestVectors(t *testing.T) { synctest.Test(t, testVectors) }

func testVectors(t *testing.T) {
	dev := mem.NewDevice(1 << 20)
	w, s := startMem(t, dev, 1, nil)
	want := []struct {
		offset       Offset
		body, header uint32
	}{{1048576, 0x2f707a64, 0x63c32d4f}, {1052672, 0x609ae5c7, 0x63878fcb}, {1056768, 0x352d43e8, 0x3579d59b}}
	for i, v := range want {
		require.Equal(t, v.offset, put(t, w, bytes.Repeat([]byte{byte('a' + i)}, 100+i)))
		end, err := s.state()
		require.NoError(t, err)
		require.Equal(t, v.offset+blockSize, end, "the appender reaps its own record")

		at := w.position(v.offset)
		raw := dev.Bytes()[at : at+blockSize]
		be := binary.BigEndian
		require.Equal(t, uint32(recordMagic), be.Uint32(raw))
		require.Equal(t, uint32(100+i), be.Uint32(raw[4:]))
		require.Equal(t, uint64(v.offset)+24, be.Uint64(raw[8:]))
		require.Equal(t, v.body, be.Uint32(raw[16:]))
		require.Equal(t, v.header, be.Uint32(raw[20:]))
		require.True(t, allZero(raw[24+100+i:]), "slack")
	}
	require.NoError(t, w.Close(context.Background(), false))

	offs, bodies, r, err := recovered(t, dev, RecoverOptions{})
	require.NoError(t, err)
	require.Equal(t, []Offset{1048576, 1052672, 1056768}, offs)
	require.Equal(t, bytes.Repeat([]byte("c"), 102), bodies[2])
	require.Equal(t, Recovery{Start: 1048576, End: 1060864, Records: 3, Bytes: 303}, r)
}

// The padding vector: a device of 64 KiB, 12288 bytes before the ring's end.
func TestPaddingVector(t *testing.T) {
	const offset, ring = 102400, 65536 - ringStart
	require.EqualValues(t, 0xd000, ringStart+offset%ring)
	pad := make([]byte, ring-offset%ring)
	encodePadding(pad, offset)
	be := binary.BigEndian
	require.Equal(t, uint32(paddingMagic), be.Uint32(pad))
	require.Equal(t, uint32(12264), be.Uint32(pad[4:]))
	require.Equal(t, uint64(102424), be.Uint64(pad[8:]))
	require.Zero(t, be.Uint32(pad[16:]))
	require.Equal(t, uint32(0x169db0c8), be.Uint32(pad[20:]))
	require.True(t, allZero(pad[24:]))
}

// A log that wraps writes padding where a record does not fit, and recovery
// steps over it.
func TestWrap(t *testing.T) {
	dev := mem.NewDevice(64 << 10)
	w, _ := startMem(t, dev, 1, nil)
	var live []Offset
	for i := range 40 {
		off := put(t, w, bytes.Repeat([]byte{byte(i)}, 4000+i*200))
		if live = append(live, off); len(live) > 1 {
			require.NoError(t, w.Trim(live[0]))
			live = live[1:]
			awaitHeader(t, w)
		}
	}
	require.Positive(t, w.Stats().PaddingBytes)
	require.NoError(t, w.Close(context.Background(), false))
	offs, bodies, _, err := recovered(t, dev, RecoverOptions{})
	require.NoError(t, err)
	require.Equal(t, live, offs)
	require.Equal(t, bytes.Repeat([]byte{39}, 4000+39*200), bodies[0])
}

func TestTooLarge(t *testing.T) {
	w, _ := startMem(t, mem.NewDevice(64<<10), 1, nil)
	require.Equal(t, 12288-24, w.MaxBody())
	_, err := w.Reserve(w.MaxBody() + 1)
	require.ErrorIs(t, err, ErrTooLarge)
	_, err = w.Reserve(-1)
	require.ErrorIs(t, err, ErrTooLarge)
	put(t, w, make([]byte, w.MaxBody()))
}

// Offsets never come back, over any number of lives.
func TestResetGoesBeyondEveryLife(t *testing.T) {
	dev := mem.NewDevice(64 << 10)
	last := Offset(0)
	for life := range 5 {
		w, _ := openMem(t, dev, 1, nil)
		if life == 3 {
			clear(dev.Bytes()[:ringStart]) // both headers lost: the ring is scanned
			w, _ = openMem(t, dev, 1, nil)
			_, found := w.Header()
			require.False(t, found)
		}
		require.NoError(t, w.Reset(context.Background(), int64(life)))
		off := put(t, w, []byte("x"))
		require.GreaterOrEqual(t, off, last+64<<10)
		last = off
		require.NoError(t, w.Close(context.Background(), false))
		h, _ := w.Header()
		require.EqualValues(t, life, h.NodeEpoch)
	}
}

func TestCleanClose(t *testing.T) {
	dev := mem.NewDevice(64 << 10)
	w, _ := startMem(t, dev, 1, nil)
	off := put(t, w, []byte("x"))
	require.NoError(t, w.Trim(off))
	require.NoError(t, w.Close(context.Background(), true))
	require.NoError(t, w.Close(context.Background(), true), "again")
	_, err := w.Reserve(1)
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, w.Trim(off), ErrClosed)

	w, _ = openMem(t, dev, 1, nil)
	h, found := w.Header()
	require.True(t, found && h.Clean)
	require.Equal(t, off, h.TrimOffset)

	w, _ = startMem(t, dev, 1, nil)
	put(t, w, []byte("y"))
	require.ErrorIs(t, w.Close(context.Background(), true), ErrNotEmpty)
	h, _ = w.Header()
	require.False(t, h.Clean)
}

func TestConfigReportsEveryFault(t *testing.T) {
	err := Config{WindowInitial: 1, BlockSoft: 1 << 20, BlockHard: 4096, Depth: -1}.Validate()
	require.ErrorContains(t, err, "Path is missing")
	require.ErrorContains(t, err, "WindowInitial 1")
	require.ErrorContains(t, err, "BlockSoft 1048576 is above BlockHard 4096")
	require.ErrorContains(t, err, "Depth -1")
}

// Who waits for space in a log that closes is told: no trim comes any more.
func TestCloseEndsTheWaitForSpace(t *testing.T) {
	w, s := startMem(t, mem.NewDevice(64<<10), 1, nil)
	var err error
	for err == nil {
		var slot Slot
		if slot, err = w.Reserve(4000); err == nil {
			slot.Fill(nil, make([]byte, 4000))
			w.Commit()
		}
	}
	require.ErrorIs(t, err, ErrFull)
	require.NoError(t, w.Drain(context.Background()))
	select {
	case <-s.space: // of what had been in flight
	default:
	}
	_, err = w.Reserve(4000)
	require.ErrorIs(t, err, ErrFull)
	require.NoError(t, w.Close(context.Background(), false))
	<-s.space
	_, err = w.Reserve(4000)
	require.ErrorIs(t, err, ErrClosed)
}

package wal

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/iopath"
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

// history is what a crash has to be compared with.
type history struct {
	mu      sync.Mutex
	offsets []Offset // of record n
	trimmed int      // records below are trimmed; the header may not be durable yet
}

// check recovers image and compares: no error, no damage, records lo … hi
// without a gap, each whole; lo not beyond what was trimmed, and hi not before
// what was durable.
func (h *history) check(t testing.TB, image []byte, durable Offset) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	offs, bodies, r, err := recovered(t, mem.NewDeviceFrom(image), RecoverOptions{})
	if err != nil {
		return err
	}
	reported := 0
	for reported < len(h.offsets) && h.offsets[reported] < durable {
		reported++
	}
	first, end := h.trimmed, 0
	if len(bodies) > 0 {
		first = int(binary.BigEndian.Uint64(bodies[0]))
		end = first + len(bodies)
	}
	if first > h.trimmed || max(end, h.trimmed) < reported {
		return fmt.Errorf("records [%d, %d) of offsets %v, want all of [%d, %d), durable to %d: %+v",
			first, end, offs, h.trimmed, reported, durable, r)
	}
	for i, b := range bodies {
		if offs[i] != h.offsets[first+i] || !bytes.Equal(numbered(first+i), b) {
			return fmt.Errorf("record %d is not whole or not in order", first+i)
		}
	}
	return nil
}

// cut returns image with those 4 KiB blocks of the writes in flight that keep
// says have reached the device.
func cut(image []byte, inflight []*iopath.Write, keep func() bool) []byte {
	image = bytes.Clone(image)
	for _, w := range inflight {
		for at := 0; at < len(w.Buf); at += blockSize {
			if keep() {
				copy(image[w.Pos+int64(at):], w.Buf[at:at+blockSize])
			}
		}
	}
	return image
}

// TestCrashAnywhere crashes before every single completion: at every 4 KiB
// boundary of what is in flight, and with random sets of blocks lost.
func TestCrashAnywhere(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { crashAnywhere(t, seed, 250) })
	}
}

func crashAnywhere(t *testing.T, seed uint64, records int) {
	d := newTestDevice(make([]byte, 128<<10), 4)
	d.random = rand.New(rand.NewPCG(seed, 1))
	h, images := &history{}, 0
	w, s := openPath(t, d, func(c *Config) {
		c.Depth, c.BlockSoft, c.BlockHard = 1+int(seed), 4096, 8192
		c.WindowInitial, c.WindowStep = 8192, 4096
	})
	check := func(err error) { // on the log's goroutines, where FailNow is not allowed
		if err != nil {
			t.Error(err)
		}
	}
	d.observe = func(image []byte, inflight []*iopath.Write) {
		durable, _ := s.state()
		blocks := 0
		for _, x := range inflight {
			blocks += len(x.Buf) / blockSize
		}
		for landed := range blocks + 1 { // in order, up to landed
			n := 0
			check(h.check(t, cut(image, inflight, func() bool { n++; return n <= landed }), durable))
		}
		for range 3 { // in any order
			check(h.check(t, cut(image, inflight, func() bool { return d.random.IntN(2) == 0 }), durable))
		}
		images += blocks + 4
	}
	require.NoError(t, w.Reset(context.Background(), 1))
	for n := range records {
		body := numbered(n)
		slot := reserveWaiting(t, w, s, h, len(body))
		slot.Fill(nil, body)
		if n%3 == 0 {
			w.Commit()
		}
	}
	require.NoError(t, w.Close(context.Background(), false))
	require.Greater(t, images, records)
	end, _ := s.state()
	require.NoError(t, h.check(t, bytes.Clone(d.image), end))
}

// reserveWaiting reserves a record, and trims half of what is durable when the
// ring is full, as an upload would.
func reserveWaiting(t testing.TB, w *WAL, s *sink, h *history, n int) Slot {
	for {
		h.mu.Lock()
		slot, err := w.Reserve(n)
		if err == nil {
			h.offsets = append(h.offsets, slot.Offset)
			h.mu.Unlock()
			return slot
		}
		require.ErrorIs(t, err, ErrFull)
		end, _ := s.state()
		durable := h.trimmed
		for durable < len(h.offsets) && h.offsets[durable] < end {
			durable++
		}
		trim := Offset(-1)
		if durable > h.trimmed {
			h.trimmed += (durable - h.trimmed + 1) / 2
			trim = h.offsets[h.trimmed-1]
		}
		h.mu.Unlock()
		if trim >= 0 {
			require.NoError(t, w.Trim(trim))
		}
		<-s.space
	}
}

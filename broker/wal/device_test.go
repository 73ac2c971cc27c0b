package wal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/iopath"
)

// testDevice is a Path of which a test decides when, in which order and with
// what result writes end. Nothing is in its image before that.
type testDevice struct {
	geometry iopath.Geometry
	arena    []byte

	mu       sync.Mutex
	image    []byte
	inflight []*iopath.Write
	held     bool  // completions wait for release
	fail     error // of the next completion, and all after it
	refuse   error // of Submit
	random   *rand.Rand
	wake     chan struct{}                                // capacity 1: a Submit, release or Wake
	woken    bool                                         // Wake was called
	observe  func(image []byte, inflight []*iopath.Write) // before each completion, under mu
	entered  func()                                       // at the start of Submit, without mu
}

// aligned is heap memory on a 4 KiB boundary.
func aligned(n int) []byte {
	raw := make([]byte, n+blockSize)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(raw)))) & (blockSize - 1)
	return raw[skip : skip+n : skip+n]
}

func newTestDevice(image []byte, depth int) *testDevice {
	return &testDevice{
		geometry: iopath.Geometry{Block: blockSize, Capacity: int64(len(image)), Depth: depth, Durability: iopath.None},
		arena:    aligned(256 << 10), image: image, random: rand.New(rand.NewPCG(1, 2)), wake: make(chan struct{}, 1),
	}
}

func (d *testDevice) Geometry() iopath.Geometry { return d.geometry }
func (d *testDevice) Arena() []byte             { return d.arena }
func (d *testDevice) Close() error              { return nil }
func (d *testDevice) signal() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *testDevice) Wake() {
	d.mu.Lock()
	d.woken = true
	d.mu.Unlock()
	d.signal()
}

func (d *testDevice) ReadAt(p []byte, pos int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return copy(p, d.image[pos:pos+int64(len(p))]), nil
}

func (d *testDevice) Submit(ws []*iopath.Write) error {
	if d.entered != nil {
		d.entered()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.refuse != nil:
		return d.refuse
	case len(d.inflight)+len(ws) > d.geometry.Depth:
		return iopath.ErrDepth
	}
	for _, w := range ws {
		if w.Pos%blockSize != 0 || len(w.Buf)%blockSize != 0 || len(w.Buf) == 0 || w.Pos+int64(len(w.Buf)) > d.geometry.Capacity {
			panic(fmt.Sprintf("write of %d bytes at %d", len(w.Buf), w.Pos))
		}
	}
	d.inflight = append(d.inflight, ws...)
	d.signal()
	return nil
}

// Reap ends one write, chosen at random.
func (d *testDevice) Reap(int) (int, error) {
	for {
		if w, left := d.complete(); w != nil {
			w.Done(w)
			return 1, nil
		} else if left {
			return 0, nil
		}
		<-d.wake
	}
}

func (d *testDevice) complete() (w *iopath.Write, woken bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	woken, d.woken = d.woken, false
	if d.held || len(d.inflight) == 0 {
		return nil, woken
	}
	if d.observe != nil {
		d.observe(d.image, d.inflight)
	}
	i := d.random.IntN(len(d.inflight))
	w = d.inflight[i]
	d.inflight = append(d.inflight[:i], d.inflight[i+1:]...)
	if w.Err = d.fail; w.Err == nil {
		copy(d.image[w.Pos:], w.Buf)
	}
	return w, woken
}

// hold makes writes wait, or lets them go.
func (d *testDevice) hold(on bool) {
	d.mu.Lock()
	d.held = on
	d.mu.Unlock()
	d.signal()
}

func (d *testDevice) pending() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.inflight)
}

func (d *testDevice) set(fail, refuse error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail, d.refuse = fail, refuse
}

// startDevice opens and resets a log on d.
func startDevice(t testing.TB, d *testDevice, change func(*Config)) (*WAL, *sink) {
	t.Helper()
	w, s := openPath(t, d, change)
	require.NoError(t, w.Reset(context.Background(), 99))
	return w, s
}

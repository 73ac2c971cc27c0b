// Package iotest is the acceptance suite of all ways of doing the I/O: what
// iopath.Path promises, one test a promise, run by every implementation.
//
//	func TestSuite(t *testing.T) {
//		iotest.Run(t, func(t testing.TB, cfg iotest.Config) iopath.Path { … })
//	}
package iotest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/iopath"
)

const block = iopath.BlockSize

// Config is what a test asks to be opened.
type Config struct {
	Dir       string // a directory of the test's own; the same one means the same data
	Capacity  int64  // bytes
	ArenaSize int    // bytes
	Depth     int    // writes in flight
}

// Open opens a Path; a test that asks for the same Dir again, after Close,
// gets what was written. It fails the test when it cannot.
type Open func(t testing.TB, cfg Config) iopath.Path

// Run runs the suite at depth 1 and at depth 8.
func Run(t *testing.T, open Open) {
	for _, depth := range []int{1, 8} {
		t.Run(fmt.Sprintf("depth=%d", depth), func(t *testing.T) {
			s := &suite{open: open, depth: depth}
			for _, c := range s.cases() {
				t.Run(c.name, c.run)
			}
		})
	}
}

// suite is the promises at one depth.
type suite struct {
	open  Open
	depth int
}

type testCase struct {
	name string
	run  func(*testing.T)
}

func (s *suite) cases() []testCase {
	return []testCase{
		{"geometry", s.geometry},
		{"what is written is read, also after reopening", s.modelled},
		{"Done runs in Reap, on its goroutine", s.doneInReap},
		{"Done may submit", s.doneSubmits},
		{"depth is a bound, and all or none starts", s.depthBound},
		{"Wake before and during Reap", s.wake},
		{"Submit ends a wait for completions", s.submitEndsWait},
		{"reads beside writes, submitters beside the reaper", s.concurrent},
		{"a write that breaks the contract panics", s.contract},
		{"a read out of bounds or alignment is refused", s.badReads},
		{"large writes, to the last block", s.large},
		{"Close carries out what was submitted, without Done", s.closeWaits},
		{"Close ends a wait, and all is refused after", s.closed},
	}
}

// config is small: the suite is about behaviour, not about the device.
func (s *suite) config(t *testing.T) Config {
	return Config{Dir: t.TempDir(), Capacity: 256 * block, ArenaSize: 64 * block, Depth: s.depth}
}

// fresh opens a path that is closed at the end of the test.
func (s *suite) fresh(t *testing.T) iopath.Path {
	p := s.open(t, s.config(t))
	t.Cleanup(func() {
		if err := p.Close(); !errors.Is(err, iopath.ErrClosed) {
			require.NoError(t, err)
		}
	})
	return p
}

// Write returns a write of n blocks at block pos, with the buffer at block i
// of the arena, filled with mark. Its Done counts into done, if that is given.
func Write(p iopath.Path, i, pos, n int, mark byte, done *int) *iopath.Write {
	w := &iopath.Write{Pos: int64(pos) * block, Buf: p.Arena()[i*block : (i+n)*block]}
	for j := range w.Buf {
		w.Buf[j] = mark
	}
	w.Done = func(*iopath.Write) {
		if done != nil {
			*done++
		}
	}
	return w
}

// Do submits one write and reaps until it is done.
func Do(t testing.TB, p iopath.Path, w *iopath.Write) error {
	ended, before := false, w.Done
	w.Done = func(w *iopath.Write) {
		before(w)
		ended = true
	}
	if err := p.Submit([]*iopath.Write{w}); err != nil {
		return err
	}
	for !ended {
		_, err := p.Reap(1)
		require.NoError(t, err)
	}
	return w.Err
}

// Read returns n blocks from block pos. The buffer is from the arena's end,
// which no test writes from; a path allows reads into any aligned memory.
func Read(t testing.TB, p iopath.Path, pos, n int) []byte {
	b := p.Arena()[len(p.Arena())-n*block:]
	got, err := p.ReadAt(b, int64(pos)*block)
	require.NoError(t, err)
	require.Equal(t, len(b), got)
	return b
}

func (s *suite) geometry(t *testing.T) {
	p := s.fresh(t)
	g := p.Geometry()
	require.Equal(t, block, g.Block)
	require.Equal(t, int64(256*block), g.Capacity)
	require.Equal(t, s.depth, g.Depth)
	require.NotEmpty(t, g.Durability)
	require.Len(t, p.Arena(), 64*block)
	require.Equal(t, make([]byte, 4*block), Read(t, p, 0, 4), "a new device reads as zeros")
}

// modelled writes at random, in batches up to the depth, and compares with a
// plain slice, before and after reopening.
func (s *suite) modelled(t *testing.T) {
	cfg := s.config(t)
	p := s.open(t, cfg)
	model := make([]byte, cfg.Capacity)
	rng := rand.New(rand.NewPCG(1, uint64(s.depth)))
	for range 40 {
		var ws []*iopath.Write
		done := 0
		for i := range 1 + rng.IntN(s.depth) {
			// Apart from each other: two writes in flight to one block have no order.
			n := 1 + rng.IntN(3)
			pos := i*32 + rng.IntN(32-n)
			ws = append(ws, Write(p, 4*i, pos, n, byte(rng.Uint32()), &done))
			copy(model[pos*block:], ws[i].Buf)
		}
		require.NoError(t, p.Submit(ws))
		for done < len(ws) {
			_, err := p.Reap(len(ws) - done)
			require.NoError(t, err)
		}
		for _, w := range ws {
			require.NoError(t, w.Err)
		}
	}
	compare(t, p, model)
	require.NoError(t, p.Close())
	p = s.open(t, cfg)
	compare(t, p, model)
	require.NoError(t, p.Close())
}

func compare(t *testing.T, p iopath.Path, model []byte) {
	for pos := 0; pos < len(model)/block; pos += 16 {
		require.Equal(t, model[pos*block:(pos+16)*block], Read(t, p, pos, 16), "block %d", pos)
	}
}

// large writes most of the arena at once, at the very end.
func (s *suite) large(t *testing.T) {
	p := s.fresh(t)
	require.NoError(t, Do(t, p, Write(p, 0, 256-32, 32, 7, nil)))
	for _, b := range Read(t, p, 256-32, 32) {
		require.Equal(t, byte(7), b)
	}
	require.Equal(t, make([]byte, block), Read(t, p, 256-33, 1))
}

package iotest

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/iopath"
)

func (s *suite) contract(t *testing.T) {
	p := s.fresh(t)
	arena, capacity := p.Arena(), p.Geometry().Capacity
	done := func(*iopath.Write) {}
	for name, w := range map[string]*iopath.Write{
		"position not aligned": {Pos: 512, Buf: arena[:block], Done: done},
		"length not aligned":   {Pos: 0, Buf: arena[:block+512], Done: done},
		"memory not aligned":   {Pos: 0, Buf: arena[512 : block+512], Done: done},
		"empty":                {Pos: 0, Buf: arena[:0], Done: done},
		"before the start":     {Pos: -block, Buf: arena[:block], Done: done},
		"past the end":         {Pos: capacity, Buf: arena[:block], Done: done},
		"over the end":         {Pos: capacity - block, Buf: arena[:2*block], Done: done},
		"overflow":             {Pos: 1<<63 - block, Buf: arena[:block], Done: done},
		"not from the arena":   {Pos: 0, Buf: alignedMemory(block), Done: done},
		"nobody to tell":       {Pos: 0, Buf: arena[:block]},
	} {
		require.Panics(t, func() { _ = p.Submit([]*iopath.Write{w}) }, name)
	}
	require.NoError(t, Do(t, p, Write(p, 0, 0, 1, 1, nil)), "none of them counts as in flight")
}

// alignedMemory is from the Go heap, and aligned all the same.
func alignedMemory(n int) []byte {
	b := make([]byte, n+block)
	from := 0
	for !isAligned(b[from:]) {
		from++
	}
	return b[from : from+n]
}

func (s *suite) badReads(t *testing.T) {
	p := s.fresh(t)
	b := alignedMemory(2 * block)
	capacity := p.Geometry().Capacity
	for _, c := range []struct {
		buf []byte
		pos int64
	}{
		{b[:512], 0}, {b[1 : block+1], 0}, {b[:block], 512}, {b, -block}, {b, capacity - block}, {b, 1<<63 - block},
	} {
		n, err := p.ReadAt(c.buf, c.pos)
		require.Error(t, err)
		require.Zero(t, n)
	}
	n, err := p.ReadAt(b, capacity-2*block)
	require.NoError(t, err, "any aligned memory will do")
	require.Equal(t, len(b), n)
}

func (s *suite) closeWaits(t *testing.T) {
	cfg := s.config(t)
	p := s.open(t, cfg)
	done := 0
	var ws []*iopath.Write
	for i := range s.depth {
		ws = append(ws, Write(p, i, i, 1, byte(i+1), &done))
	}
	require.NoError(t, p.Submit(ws))
	require.NoError(t, p.Close())
	require.Zero(t, done)
	p = s.open(t, cfg)
	for i := range s.depth {
		require.Equal(t, byte(i+1), Read(t, p, i, 1)[0])
	}
	require.NoError(t, p.Close())
}

func (s *suite) closed(t *testing.T) {
	p := s.fresh(t)
	returned := make(chan error)
	go func() {
		for {
			if _, err := p.Reap(1); err != nil {
				returned <- err
				return
			}
		}
	}()
	w := Write(p, 0, 0, 1, 1, nil)
	require.NoError(t, p.Close())
	require.ErrorIs(t, <-returned, iopath.ErrClosed)
	require.ErrorIs(t, p.Submit([]*iopath.Write{w}), iopath.ErrClosed)
	_, err := p.Reap(0)
	require.ErrorIs(t, err, iopath.ErrClosed)
	_, err = p.ReadAt(alignedMemory(block), 0)
	require.ErrorIs(t, err, iopath.ErrClosed)
	require.ErrorIs(t, p.Close(), iopath.ErrClosed)
	p.Wake() // harmless
}

// OpenBreakable opens a path and returns what makes every later write fail in
// the device.
type OpenBreakable func(t testing.TB, cfg Config) (p iopath.Path, broken func())

// RunLatch checks rule 6 of the architecture: the first failed write latches.
func RunLatch(t *testing.T, open OpenBreakable) {
	for _, depth := range []int{1, 4} {
		p, breakIt := open(t, Config{Dir: t.TempDir(), Capacity: 64 * block, ArenaSize: 16 * block, Depth: depth})
		require.NoError(t, Do(t, p, Write(p, 0, 0, 1, 1, nil)))
		breakIt()
		done := 0
		var ws []*iopath.Write
		for i := range depth {
			ws = append(ws, Write(p, i, i+1, 1, 2, &done))
		}
		require.NoError(t, p.Submit(ws))
		for done < depth {
			_, err := p.Reap(1)
			require.NoError(t, err, "what was in flight is told first")
		}
		for _, w := range ws {
			require.ErrorIs(t, w.Err, iopath.ErrLatched)
			require.NotErrorIs(t, w.Err, iopath.ErrClosed)
			require.Contains(t, w.Err.Error(), "4096 bytes", "says which write it was")
		}
		require.ErrorIs(t, p.Submit(ws[:1]), iopath.ErrLatched)
		_, err := p.Reap(1)
		require.ErrorIs(t, err, iopath.ErrLatched, "a wait that could not end")
		n, err := p.Reap(0)
		require.NoError(t, err)
		require.Zero(t, n)
		if err := p.Close(); !errors.Is(err, iopath.ErrLatched) {
			require.NoError(t, err)
		}
	}
}

package iotest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/internal/align"
	"github.com/tidelog/tide/iopath"
)

func isAligned(b []byte) bool { return align.Memory(b, block) }

// Allocs checks that a write in the steady state, from Submit to Done, takes
// nothing from the Go heap.
func Allocs(t *testing.T, open Open) {
	for _, depth := range []int{1, 8} {
		p := open(t, Config{Dir: t.TempDir(), Capacity: 64 * block, ArenaSize: 16 * block, Depth: depth})
		l := newLoop(p, depth, block)
		require.Zero(t, testing.AllocsPerRun(100, func() { l.round(t) }), "depth %d", depth)
		require.NoError(t, p.Close())
	}
}

// Bench measures raw writes at depths and block sizes. Its name follows
// benchstat's convention: BenchmarkWrite/io=uring/depth=8/block=4KiB.
func Bench(b *testing.B, name string, open Open) {
	for _, depth := range []int{1, 8, 32} {
		for _, kib := range []int{4, 64, 256} {
			b.Run(fmt.Sprintf("io=%s/depth=%d/block=%dKiB", name, depth, kib), func(b *testing.B) {
				size := kib << 10
				p := open(b, Config{Dir: b.TempDir(), Capacity: 64 << 20, ArenaSize: depth * size, Depth: depth})
				l := newLoop(p, depth, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for done := 0; b.Loop(); done-- {
					// One iteration is one write; a round makes depth of them.
					if done == 0 {
						l.round(b)
						done = depth
					}
				}
				require.NoError(b, p.Close())
			})
		}
	}
}

// loop writes round after round along the device, as a WAL does.
type loop struct {
	path    iopath.Path
	writes  []*iopath.Write
	pos     int64
	pending int
}

func newLoop(p iopath.Path, depth, size int) *loop {
	l := &loop{path: p}
	for i := range depth {
		w := &iopath.Write{Buf: p.Arena()[i*size : (i+1)*size]}
		w.Done = func(*iopath.Write) { l.pending-- }
		l.writes = append(l.writes, w)
	}
	return l
}

// round submits all writes and reaps them.
func (l *loop) round(t testing.TB) {
	for _, w := range l.writes {
		if l.pos+int64(len(w.Buf)) > l.path.Geometry().Capacity {
			l.pos = 0
		}
		w.Pos = l.pos
		l.pos += int64(len(w.Buf))
	}
	l.pending = len(l.writes)
	if err := l.path.Submit(l.writes); err != nil {
		t.Fatal(err)
	}
	for l.pending > 0 {
		if _, err := l.path.Reap(l.pending); err != nil {
			t.Fatal(err)
		}
	}
}

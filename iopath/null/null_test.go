package null

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/iopath"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestKeepsNothing: every write is done, and nothing of it is there, so it
// cannot pass the common suite.
func TestKeepsNothing(t *testing.T) {
	p, err := Open(Config{Capacity: 1 << 20, ArenaSize: 64 << 10, Depth: 2})
	require.NoError(t, err)
	require.Equal(t, iopath.Geometry{Block: 4096, Capacity: 1 << 20, Depth: 2, Durability: iopath.None}, p.Geometry())
	buf := p.Arena()[:4096]
	buf[0] = 1
	done := false
	w := &iopath.Write{Pos: 8192, Buf: buf, Done: func(w *iopath.Write) { done = w.Err == nil }}
	require.NoError(t, p.Submit([]*iopath.Write{w}))
	_, err = p.Reap(1)
	require.NoError(t, err)
	require.True(t, done)
	_, err = p.ReadAt(buf, 8192)
	require.NoError(t, err)
	require.Equal(t, make([]byte, 4096), buf)
	require.NoError(t, p.Close())
	_, err = Open(Config{Capacity: 5000})
	require.ErrorContains(t, err, "null: ")
	_, err = Open(Config{})
	require.ErrorContains(t, err, "capacity")
}

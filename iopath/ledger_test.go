package iopath

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// alignedBlock is one block of memory on a boundary of a block.
func alignedBlock() []byte {
	b := make([]byte, 2*BlockSize)
	from := -int(uintptr(unsafe.Pointer(&b[0]))) & (BlockSize - 1)
	return b[from : from+BlockSize]
}

func newLedger() (*Ledger, *Write) {
	arena := alignedBlock()
	l := NewLedger("test", Geometry{Block: BlockSize, Capacity: MinCapacity, Depth: 2}, arena)
	return l, &Write{Buf: arena, Done: func(*Write) {}}
}

// TestTwoReapers break the contract; after Close there is an error instead.
func TestTwoReapers(t *testing.T) {
	l, _ := newLedger()
	require.NoError(t, l.StartReap())
	require.PanicsWithValue(t, "test: two reapers at a time", func() { _ = l.StartReap() })
	l.EndReap()
	require.NoError(t, l.Shut())
	l.AwaitReaper()
	require.ErrorIs(t, l.StartReap(), ErrClosed)
	require.ErrorIs(t, l.Shut(), ErrClosed)
}

// TestLatchIsOneError: all that fails afterwards fails for the first reason.
func TestLatchIsOneError(t *testing.T) {
	l, w := newLedger()
	second := *w
	require.NoError(t, l.Admit([]*Write{w, &second}))
	require.NoError(t, l.Hopeless())
	l.Settle(w, ErrUnsupported)
	require.ErrorIs(t, w.Err, ErrUnsupported)
	require.NoError(t, l.Hopeless(), "one is left to wait for")
	l.Settle(&second, nil)
	require.Equal(t, w.Err, second.Err)
	require.Equal(t, w.Err, l.Hopeless())
	require.Equal(t, w.Err, l.Admit([]*Write{w}))
	require.Zero(t, l.InFlight())
}

package wal

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// readCounter counts the bytes of a device that are read.
type readCounter struct {
	*testDevice
	read int64
}

func (d *readCounter) ReadAt(p []byte, pos int64) (int, error) {
	d.mu.Lock()
	d.read += int64(len(p))
	d.mu.Unlock()
	return d.testDevice.ReadAt(p, pos)
}

// TestBlankIsNotRead: in a file that was made by the same open there is nothing
// to look for. One that has a header is read, whatever its path says, and so is
// one that was there before.
func TestBlankIsNotRead(t *testing.T) {
	const size = 1 << 20
	dev := &readCounter{testDevice: newTestDevice(make([]byte, size), 2)}
	reset := func(epoch int64) int64 {
		w, err := Open(Config{Path: dev})
		require.NoError(t, err)
		dev.read = 0
		require.NoError(t, w.Reset(context.Background(), epoch))
		read := dev.read
		require.NoError(t, w.Close(context.Background(), false))
		return read
	}
	dev.geometry.Blank = true
	require.Zero(t, reset(1))
	require.Equal(t, int64(size-ringStart), reset(2), "it has a header now")

	clear(dev.image)
	dev.geometry.Blank = false
	require.Equal(t, int64(size-ringStart), reset(1))
}

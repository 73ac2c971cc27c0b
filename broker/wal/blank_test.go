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
	for i := range 2 { // of both slots, as it alternates
		dev.image[i*blockSize+8] ^= 0xff
	}
	require.Equal(t, int64(size-ringStart), reset(3), "damage is not zeros: there were headers")

	clear(dev.image)
	dev.geometry.Blank = false
	require.Equal(t, int64(size-ringStart), reset(1))
}

// TestNoOffsetIsUsedTwice is what the reading is for: whatever has become of the
// headers, and whatever the path says of its file, a new life begins more than a
// lap beyond the records that the ring holds.
func TestNoOffsetIsUsedTwice(t *testing.T) {
	const size = 1 << 20
	life := func(dev *testDevice, epoch int64) (record Offset) {
		w, err := Open(Config{Path: dev})
		require.NoError(t, err)
		require.NoError(t, w.Reset(t.Context(), epoch))
		s, err := w.Reserve(10)
		require.NoError(t, err)
		s.Fill(nil, make([]byte, 10))
		w.Commit()
		require.NoError(t, w.Close(t.Context(), false))
		return s.Offset
	}
	for name, spoil := range map[string]func(headers []byte){
		"whole":        func([]byte) {},
		"one damaged":  func(h []byte) { h[8] ^= 0xff },
		"both damaged": func(h []byte) { h[8] ^= 0xff; h[blockSize+8] ^= 0xff },
		"one zeroed":   func(h []byte) { clear(h[:blockSize]) },
		"other zeroed": func(h []byte) { clear(h[blockSize:]); h[8] ^= 0xff },
	} {
		for _, blank := range []bool{false, true} {
			dev := newTestDevice(make([]byte, size), 2)
			dev.geometry.Blank = blank
			life(dev, 1)
			last := life(dev, 2)
			spoil(dev.image[:ringStart])
			require.Greater(t, life(dev, 3), last+size-ringStart, "%s, blank %t", name, blank)
		}
	}
}

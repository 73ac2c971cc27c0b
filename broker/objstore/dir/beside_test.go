package dir

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore/storetest"
)

// device takes a second for a read, and remembers what it was asked.
type device struct {
	content []byte
	now     atomic.Int32
	most    atomic.Int32
	longest atomic.Int64
}

func (d *device) ReadAt(p []byte, pos int64) (int, error) {
	if n := d.now.Add(1); n > d.most.Load() {
		d.most.Store(n)
	}
	defer d.now.Add(-1)
	d.longest.Store(max(d.longest.Load(), int64(len(p))))
	time.Sleep(time.Second)
	return bytes.NewReader(d.content).ReadAt(p, pos)
}

// TestPiecesBesideALog: while the log writes, no read of the device is longer
// than a piece and no more than two are there at once; else there is no bound.
func TestPiecesBesideALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const readers, size = 5, 2*besidePiece + 5000
		d := &device{content: storetest.Content(size, 1)}
		var writing atomic.Bool
		b := newBeside(writing.Load)
		readAll := func() time.Duration {
			begin := time.Now()
			d.most.Store(0)
			d.longest.Store(0)
			var all sync.WaitGroup
			for range readers {
				all.Go(func() {
					p := make([]byte, size+1000)
					require.NoError(t, b.readAt(t.Context(), d, p, size, 0))
					require.Equal(t, d.content, p[:size])
				})
			}
			all.Wait()
			return time.Since(begin)
		}
		require.Equal(t, time.Second, readAll())
		require.EqualValues(t, readers, d.most.Load())

		writing.Store(true)
		require.Equal(t, 8*time.Second, readAll(), "15 pieces, two at a time")
		require.EqualValues(t, besidePlaces, d.most.Load())
		require.EqualValues(t, besidePiece, d.longest.Load())
		require.ErrorIs(t, b.readAt(t.Context(), d, make([]byte, 10), 10, size-5), io.ErrUnexpectedEOF)
	})
}

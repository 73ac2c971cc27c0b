package dir

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/internal/align"
	"github.com/tidelog/tide/internal/arena"
)

// writer writes whole files out of aligned buffers.
type writer struct {
	pieceSize int
	buffers   chan []byte // one for each Put that may write; nil until first used
	pace      *objstore.Limit
	log       *slog.Logger
	closed    atomic.Bool

	buffered atomic.Bool // O_DIRECT is not to be had here
	once     sync.Once   // says so
}

func newWriter(c Config) *writer {
	w := &writer{pieceSize: c.PieceSize, buffers: make(chan []byte, c.Writers), pace: &objstore.Limit{PerSecond: c.WriteRate}, log: c.Logger}
	for range c.Writers {
		w.buffers <- nil
	}
	return w
}

// WriteFile implements FS.
func (w *writer) WriteFile(ctx context.Context, path string, body objstore.Body) error {
	var buf []byte
	select {
	case buf = <-w.buffers:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { w.buffers <- buf }()
	if w.closed.Load() {
		return objstore.ErrClosed
	}
	if buf == nil {
		var err error
		if buf, err = arena.Map(w.pieceSize); err != nil {
			return err
		}
	}
	if directFlag != 0 && !w.buffered.Load() {
		err := w.write(ctx, path, body, buf, directFlag)
		if !errors.Is(err, syscall.EINVAL) {
			return err
		}
		w.once.Do(func() {
			w.log.Warn("object directory without O_DIRECT: uploads go through the page cache and may disturb a WAL on the same disk; "+
				"put the objects on ext4 or xfs to avoid it", "path", path, "err", err)
		})
		w.buffered.Store(true)
	}
	return w.write(ctx, path, body, buf, 0)
}

// write makes the file, and removes it again when something fails.
func (w *writer) write(ctx context.Context, path string, body objstore.Body, buf []byte, flag int) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|flag, 0o666)
	if err != nil {
		if errors.Is(err, syscall.EINVAL) {
			os.Remove(path) // some file systems make the file before they refuse the flag
		}
		return err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			os.Remove(path)
		}
	}()
	if err := w.pieces(ctx, f, body, buf); err != nil {
		return err
	}
	return syncData(f)
}

// pieces copies the body into the buffer and writes it each time it is full.
// The last piece is padded with zeros, since a direct write has no odd length,
// and the padding is cut off again before anything is made durable.
func (w *writer) pieces(ctx context.Context, f *os.File, body objstore.Body, buf []byte) error {
	position, fill := int64(0), 0
	flush := func(n int) error {
		if w.closed.Load() {
			return objstore.ErrClosed
		}
		if err := objstore.Pace(ctx, n); err != nil {
			return err
		}
		if err := w.pace.Wait(ctx, n); err != nil {
			return err
		}
		if _, err := f.WriteAt(buf[:n], position); err != nil {
			return err
		}
		position, fill = position+int64(n), 0
		return nil
	}
	for _, p := range body {
		for len(p) > 0 {
			n := copy(buf[fill:], p)
			p, fill = p[n:], fill+n
			if fill == len(buf) {
				if err := flush(fill); err != nil {
					return err
				}
			}
		}
	}
	if fill > 0 {
		padded := align.Up(fill, directUnit)
		clear(buf[fill:padded])
		if err := flush(padded); err != nil {
			return err
		}
	}
	if size := body.Size(); size != position {
		return f.Truncate(size)
	}
	return nil
}

// close waits for the Puts that still write, which end at their next piece,
// and gives the buffers back.
func (w *writer) close() error {
	if w.closed.Swap(true) {
		return nil
	}
	var err error
	for range cap(w.buffers) {
		err = errors.Join(err, arena.Unmap(<-w.buffers))
	}
	// A Put that waits for a buffer gets an answer: it is closed.
	for range cap(w.buffers) {
		w.buffers <- nil
	}
	return err
}

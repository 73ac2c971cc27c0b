package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// A connection reads into a buffer of its own of homeBytes. A frame that does
// not fit moves to a larger one, and only after that much of it has arrived:
// nothing is allocated because a length was announced. Most large frames are
// produce requests of the clients' usual 1 MiB, so the second step is pooled.
const (
	homeBytes = 64 << 10
	bigBytes  = 1<<20 + 64<<10
)

var bigBuffers = sync.Pool{New: func() any { b := make([]byte, bigBytes); return &b }}

// frames cuts the bytes of a connection into frames. Only its reader uses it.
//
//	buf   │ consumed │ frame │ frame │ part of one │ free │
//	                 start                         end
type frames struct {
	c       *conn
	home    []byte
	big     *[]byte // from bigBuffers, when in use
	buf     []byte  // home, *big or a larger one
	start   int
	end     int
	want    int   // bytes of the frame at start with its length; 0 unknown yet
	held    int64 // share of the server's budget, for the frame at start
	partial bool  // the frame's deadline runs
	trusted bool  // a valid request came before; authentication will set this
}

func (f *frames) init(c *conn) {
	f.c = c
	f.home = make([]byte, homeBytes)
	f.buf = f.home
}

// next returns the next whole frame without its length, nil when there is
// none. It is valid until consumed.
func (f *frames) next() ([]byte, error) {
	have := f.buf[f.start:f.end]
	if f.want == 0 {
		if err := f.measure(have); err != nil || f.want == 0 {
			return nil, err
		}
	}
	if len(have) < f.want {
		return nil, nil
	}
	f.partial = false
	return have[lengthSize:f.want:f.want], nil
}

// consumed frees the frame that next returned.
func (f *frames) consumed() {
	f.start += f.want
	f.want = 0
	f.giveBack()
}

func (f *frames) giveBack() {
	if f.held > 0 {
		f.c.srv.budget.Release(f.held)
		f.held = 0
	}
}

// measure checks a frame's length as soon as its key and version are here.
func (f *frames) measure(have []byte) error {
	if len(have) < lengthSize {
		return nil
	}
	size := int(int32(binary.BigEndian.Uint32(have)))
	lim := &f.c.srv.cfg.Limits
	if size < smallestFrame || size > max(lim.ProduceBytes, lim.RequestBytes) {
		return fmt.Errorf("frame of %d bytes announced, allowed are %d to %d", size, smallestFrame, max(lim.ProduceBytes, lim.RequestBytes))
	}
	if len(have) < lengthSize+4 {
		return nil
	}
	if err := f.checkLimit(have[lengthSize:], size); err != nil {
		return err
	}
	f.want = lengthSize + size
	return nil
}

func (f *frames) checkLimit(head []byte, size int) error {
	key := int16(binary.BigEndian.Uint16(head))
	r := request{api: lookup(key), version: int16(binary.BigEndian.Uint16(head[2:]))}
	if err := r.checkVersion(key); err != nil {
		return err
	}
	lim := &f.c.srv.cfg.Limits
	allowed := lim.RequestBytes
	switch {
	case key == keyProduce:
		// Old clients that were told the broker's version open a connection
		// with it, so the bound for strangers cannot hold here.
		allowed = lim.ProduceBytes
	case !f.trusted:
		allowed = min(allowed, lim.FirstRequestBytes)
	}
	if size > allowed {
		return fmt.Errorf("%s of %d bytes announced, allowed are %d", r.api.name, size, allowed)
	}
	return nil
}

// fill reads at least one byte more, making room for it first.
func (f *frames) fill() error {
	if err := f.room(); err != nil {
		return err
	}
	f.setDeadline()
	if f.c.srv.closing.Load() { // after setDeadline, which would undo interrupt
		return ErrServerClosed
	}
	n, err := f.c.nc.Read(f.buf[f.end:])
	f.end += n
	f.c.srv.stats.bytesIn.Add(int64(n))
	if n > 0 {
		return nil // an error comes again
	}
	return f.explain(err)
}

// explain makes a reason to log of a read's error.
func (f *frames) explain(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && f.c.srv.closing.Load():
		return ErrServerClosed
	case errors.Is(err, os.ErrDeadlineExceeded) && f.partial:
		return fmt.Errorf("%d bytes of a frame came, the rest not within %v", f.end-f.start, f.c.srv.cfg.Limits.Frame)
	case errors.Is(err, os.ErrDeadlineExceeded):
		f.c.srv.log.Debug("idle connection closed", "remote", f.c.remote)
		return io.EOF
	case errors.Is(err, io.EOF) && f.end > f.start:
		return fmt.Errorf("the client left in the middle of a frame: %w", io.ErrUnexpectedEOF)
	case errors.Is(err, net.ErrClosed):
		return io.EOF // fail was called and has logged why
	}
	return err
}

// setDeadline bounds the wait for a frame, and once it has begun the time
// until it is whole: not each single read, or a client could dribble.
func (f *frames) setDeadline() {
	if f.end == f.start {
		f.c.nc.SetReadDeadline(time.Now().Add(f.c.srv.cfg.Limits.Idle))
	} else if !f.partial {
		f.partial = true
		f.c.nc.SetReadDeadline(time.Now().Add(f.c.srv.cfg.Limits.Frame))
	}
}

// room moves what is here to the front of a buffer that has space behind it.
func (f *frames) room() error {
	if f.want > homeBytes && f.held == 0 {
		if err := f.reserve(int64(f.want)); err != nil {
			return err
		}
	}
	have := f.buf[f.start:f.end]
	switch {
	case f.want <= homeBytes && len(have) < homeBytes:
		f.moveTo(f.home)
	case len(have) < len(f.buf):
		f.moveTo(f.buf)
	case len(f.buf) < bigBytes:
		big := bigBuffers.Get().(*[]byte)
		f.moveTo(*big)
		f.big = big
	default:
		f.moveTo(make([]byte, min(f.want, 2*len(f.buf))))
	}
	return nil
}

// moveTo makes to the buffer, and gives the pooled one back when it was left.
func (f *frames) moveTo(to []byte) {
	if f.start > 0 || &to[0] != &f.buf[0] {
		f.end = copy(to, f.buf[f.start:f.end])
		f.start = 0
	}
	if f.big != nil && &to[0] != &(*f.big)[0] {
		bigBuffers.Put(f.big)
		f.big = nil
	}
	f.buf = to
}

// reserve takes a share of the budget for the whole frame at once: with shares
// taken bit by bit, frames could wait for each other for ever.
func (f *frames) reserve(n int64) error {
	if !f.c.srv.budget.TryAcquire(n) {
		f.c.srv.stats.budgetFull.Add(1)
		if err := f.c.srv.budget.Acquire(f.c.ctx, n); err != nil {
			return ErrServerClosed
		}
	}
	f.held = n
	return nil
}

func (f *frames) close() {
	f.giveBack()
	f.start, f.end = 0, 0
	f.moveTo(f.home)
}

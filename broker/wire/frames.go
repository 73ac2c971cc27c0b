package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// A connection reads into a buffer of its own of homeBytes. A frame that does
// not fit is read into one of the server's, which lie outside the Go heap: the
// collector neither counts nor scans them, and a page of them takes memory only
// when its bytes arrive, so nothing is spent because a length was announced.
//
// They are not read into the log cache itself, although they end up there: its
// place is its order in the log (rule 2), so a slow sender would hold up what
// came after it, and a frame whose CRC fails would have to be taken out again
// (decision 017).
const homeBytes = 64 << 10

// keptFrames is how much of that memory stays mapped for the next large frames,
// in bytes, those in use included: 64 of the clients' usual 1 MiB.
const keptFrames = 64 << 20

// frames cuts the bytes of a connection into frames. Only its reader uses it.
//
//	buf   │ consumed │ frame │ frame │ part of one │ free │
//	                 start                         end
type frames struct {
	c       *conn
	home    []byte
	big     []byte // lent by the server's memory for the frame at start; nil: none
	buf     []byte // home or big
	start   int
	end     int
	want    int   // bytes of the frame at start with its length; 0 unknown yet
	held    int64 // share of the server's budget, for big
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

// consumed frees the frame that next returned. A large one is alone in its
// buffer, which goes back at once: an idle connection keeps no memory.
func (f *frames) consumed() {
	f.start += f.want
	f.want = 0
	if f.big != nil {
		f.goHome()
	}
}

// goHome gives the large buffer and its share of the budget back. What it still
// holds is dropped.
func (f *frames) goHome() {
	if f.big != nil {
		f.c.srv.memory.Put(f.big)
	}
	if f.held > 0 {
		f.c.srv.budget.Release(f.held)
	}
	f.big, f.held = nil, 0
	f.buf, f.start, f.end = f.home, 0, 0
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
	n, err := f.c.nc.Read(f.free())
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

// free is where the next bytes go. A large buffer ends with its frame: bytes of
// the next one behind it would hold it, and could wait for more of the budget
// while holding some.
func (f *frames) free() []byte {
	if f.big != nil {
		return f.buf[f.end:f.want]
	}
	return f.buf[f.end:]
}

// room makes space behind what is here: at the front of the connection's own
// buffer, or in a large one.
func (f *frames) room() error {
	switch {
	case f.big != nil: // its size is the frame's
	case f.want > homeBytes:
		return f.grow()
	case f.start > 0:
		f.end = copy(f.home, f.home[f.start:f.end])
		f.start = 0
	}
	return nil
}

// grow moves the beginning of a large frame to a buffer that holds all of it.
// Its share of the budget is taken at once: with shares taken bit by bit,
// frames could wait for each other for ever.
func (f *frames) grow() error {
	srv := f.c.srv
	share := min(int64(srv.memory.Size(f.want)), srv.cfg.Limits.BufferedBytes)
	if err := f.reserve(share); err != nil {
		return err
	}
	big, err := srv.memory.Get(f.want)
	if err != nil {
		return fmt.Errorf("frame of %d bytes: %w", f.want, err)
	}
	f.end = copy(big, f.home[f.start:f.end])
	f.big, f.buf, f.start = big, big, 0
	return nil
}

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

func (f *frames) close() { f.goHome() }

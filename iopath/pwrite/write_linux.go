package pwrite

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/iopath"
)

// write carries out one write and whatever makes it durable. A part of it that
// the kernel took (a short write) is followed by the rest; EINTR is not a
// failure of the device.
func (p *path) write(w *iopath.Write) error {
	flags := 0
	durability := p.Geometry().Durability
	if durability == iopath.Dsync {
		flags = unix.RWF_DSYNC
	}
	for done := 0; done < len(w.Buf); {
		n, err := p.writeOnce(w.Buf[done:], w.Pos+int64(done), flags)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EOPNOTSUPP):
			return fmt.Errorf("RWF_DSYNC %w (kernel before 4.7, or a sandbox): use durability=fdatasync: %w",
				iopath.ErrUnsupported, err)
		case err != nil:
			return os.NewSyscallError("pwritev2", err)
		case n == 0:
			return os.NewSyscallError("pwritev2", io.ErrShortWrite)
		}
		done += n
	}
	if durability == iopath.Fdatasync {
		return p.sync()
	}
	return nil
}

func (p *path) writeOnce(b []byte, pos int64, flags int) (int, error) {
	if flags == 0 {
		return unix.Pwrite(p.device.Fd(), b, pos)
	}
	return unix.Pwritev2(p.device.Fd(), [][]byte{b}, pos, flags)
}

// sync flushes. It is not repeated after EIO: the kernel has dropped the pages
// by then, and a second call would report success over lost data.
func (p *path) sync() error {
	for {
		err := unix.Fdatasync(p.device.Fd())
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

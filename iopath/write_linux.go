package iopath

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Write carries out one write with blocking system calls, and whatever makes
// it as durable as is asked. A part of it that the kernel took (a short write)
// is followed by the rest; EINTR is not a failure of the device.
func (d *Device) Write(b []byte, pos int64, durability Durability) error {
	flags := 0
	if durability == Dsync {
		flags = unix.RWF_DSYNC
	}
	for done := 0; done < len(b); {
		n, err := d.writeOnce(b[done:], pos+int64(done), flags)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EOPNOTSUPP):
			return fmt.Errorf("RWF_DSYNC %w (kernel before 4.7, or a sandbox): use durability=fdatasync: %w",
				ErrUnsupported, err)
		case err != nil:
			return os.NewSyscallError("pwritev2", err)
		case n == 0:
			return os.NewSyscallError("pwritev2", io.ErrShortWrite)
		}
		done += n
	}
	if durability == Fdatasync {
		return d.datasync()
	}
	return nil
}

func (d *Device) writeOnce(b []byte, pos int64, flags int) (int, error) {
	if flags == 0 {
		return unix.Pwrite(d.Fd(), b, pos)
	}
	return unix.Pwritev2(d.Fd(), [][]byte{b}, pos, flags)
}

// datasync flushes. It is not repeated after EIO: the kernel has dropped the
// pages by then, and a second call would report success over lost data.
func (d *Device) datasync() error {
	for {
		err := unix.Fdatasync(d.Fd())
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

package iopath

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/ncw/directio"
	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/internal/align"
	"github.com/tidelog/tide/internal/units"
)

// openDirect opens with O_DIRECT. It is a variable so that a test can stand
// for a file system that has none.
var openDirect = directio.OpenFile

// openBy opens with O_DIRECT or, where that was asked for, without.
func openBy(o OpenOptions, name string, flag int, perm os.FileMode) (*os.File, error) {
	if o.Buffered {
		return os.OpenFile(name, flag, perm)
	}
	return openDirect(name, flag, perm)
}

// OpenDevice opens, and if o.Create says so makes, the file or block device
// o.File. It wraps ErrUnsupported (no O_DIRECT; the message has the remedy),
// ErrInUse, fs.ErrNotExist, or the system's error.
func OpenDevice(o OpenOptions) (*Device, error) {
	o = o.WithDefaults()
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", o.File, err)
	}
	d, err := openAny(o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.File, err)
	}
	if err := d.admit(o); err != nil {
		return nil, fmt.Errorf("%s: %w", o.File, errors.Join(err, d.file.Close()))
	}
	return d, nil
}

func openAny(o OpenOptions) (*Device, error) {
	info, err := os.Stat(o.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return createFile(o)
	case err != nil:
		return nil, errors.Unwrap(err)
	case info.Mode().IsRegular():
		return openFile(o)
	case info.Mode().Type() == fs.ModeDevice:
		return openBlockDevice(o)
	default:
		return nil, fmt.Errorf("is a %s; want a regular file or a block device", kind(info.Mode()))
	}
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "directory"
	case m&fs.ModeCharDevice != 0:
		return "character device"
	default:
		return "special file (" + m.Type().String() + ")"
	}
}

// openFile opens a file that exists; its size is the capacity.
func openFile(o OpenOptions) (*Device, error) {
	f, err := openBy(o, o.File, os.O_RDWR, 0)
	if err != nil {
		return nil, openError(err)
	}
	info, err := lock(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Device{file: f, name: o.File, capacity: align.Down(info.Size(), BlockSize)}, nil
}

// lock takes the file for this Device alone, without waiting, and returns what
// it is then. The lock ends with the descriptor, so a process killed leaves
// none behind.
func lock(f *os.File) (fs.FileInfo, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w by another process, which has it locked", ErrInUse)
	}
	if err != nil {
		return nil, os.NewSyscallError("flock", err)
	}
	return f.Stat()
}

// openError explains why a file could not be opened for direct I/O.
func openError(err error) error {
	if errors.Is(err, unix.EINVAL) {
		return noDirect("the file system refuses O_DIRECT")
	}
	if under := errors.Unwrap(err); under != nil {
		return under // the path is put in front by OpenDevice
	}
	return err
}

// noDirect is the refusal of a machine that would force buffered writes on us.
func noDirect(cause string) error {
	return fmt.Errorf("direct I/O %w: %s; put the file on ext4 or xfs, or use a raw block device", ErrUnsupported, cause)
}

// admit has the checks of what is open, of whichever kind.
func (d *Device) admit(o OpenOptions) error {
	switch {
	case d.capacity < MinCapacity:
		return fmt.Errorf("has %s, want at least %s", units.Size(d.capacity), units.Size(MinCapacity))
	case o.Capacity != 0 && o.Capacity != d.capacity:
		return fmt.Errorf("has a capacity of %s, and capacity=%s is asked for: a WAL does not resize; "+
			"leave capacity out, or use another file", units.Size(d.capacity), units.Size(o.Capacity))
	}
	if !o.Buffered {
		if err := d.checkDirect(); err != nil {
			return err
		}
	}
	if err := d.settle(o); err != nil {
		return err
	}
	warnings, err := d.probe(o.Durability)
	for _, w := range warnings {
		o.Logger.Warn(w, "wal", d.name, "durability", string(o.Durability))
	}
	return err
}

// settle makes durable what an earlier process left in a cache, before anybody
// reads it: recovery builds on what it reads, and a record that a power cut
// could still take back would leave a hole under later ones. Buffered, it also
// drops the page cache, in which a flush that failed leaves pages that look
// clean and are not on the device.
func (d *Device) settle(o OpenOptions) error {
	if o.Durability != None {
		if err := d.datasync(); err != nil {
			return err
		}
	}
	if !o.Buffered {
		return nil
	}
	return os.NewSyscallError("fadvise", unix.Fadvise(d.Fd(), 0, 0, unix.FADV_DONTNEED))
}

// checkDirect asks the kernel for the alignment of direct I/O on this file. On
// ext4 with data journalling, for one, O_DIRECT opens and then quietly writes
// through the page cache; only this call tells. Kernels before 6.1 do not
// answer it.
func (d *Device) checkDirect() error {
	var st unix.Statx_t
	answered := unix.Statx(d.Fd(), "", unix.AT_EMPTY_PATH, unix.STATX_DIOALIGN, &st) == nil
	if !answered || st.Mask&unix.STATX_DIOALIGN == 0 {
		return nil // does not know; a write that is refused will tell
	}
	switch {
	case st.Dio_offset_align == 0:
		return noDirect("the file system writes this file through the page cache (journalled, encrypted or compressed data)")
	case st.Dio_offset_align > BlockSize || st.Dio_mem_align > BlockSize:
		return noDirect(fmt.Sprintf("it needs an alignment of %d bytes, more than %d",
			max(st.Dio_offset_align, st.Dio_mem_align), BlockSize))
	default:
		return nil
	}
}

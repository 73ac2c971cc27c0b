package iopath

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/internal/align"
	"github.com/tidelog/tide/internal/arena"
)

// openBlockDevice opens a raw device. O_EXCL on a block device is the kernel's
// own claim: it fails while the device or a partition of it is mounted, used
// for swap, part of an array, or claimed by another process. A lock by flock
// would not do here, because udev takes one at any time to look at the device.
func openBlockDevice(o OpenOptions) (*Device, error) {
	f, err := openBy(o, o.File, os.O_RDWR|os.O_EXCL, 0)
	if errors.Is(err, unix.EBUSY) {
		return nil, fmt.Errorf("block device %w: %s", ErrInUse, claimant(o.File))
	}
	if err != nil {
		return nil, openError(err)
	}
	d := &Device{file: f, name: o.File}
	if err := d.examine(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return d, nil
}

// examine finds the size of a raw device, and refuses one that holds somebody
// else's data.
func (d *Device) examine() error {
	size, err := d.file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	d.capacity = align.Down(size, BlockSize)
	sector, err := unix.IoctlGetInt(d.Fd(), unix.BLKSSZGET)
	if err != nil {
		return os.NewSyscallError("ioctl BLKSSZGET", err)
	}
	if sector > BlockSize {
		return noDirect(fmt.Sprintf("its sectors have %d bytes, more than %d", sector, BlockSize))
	}
	if d.capacity < MinCapacity {
		return nil // refused by admit, with the bound
	}
	return d.refuseForeign()
}

// refuseForeign reads the start of the device and looks for a file system, a
// partition table or the like. Nothing is mounted from it now, and yet to
// write a WAL over it would destroy it.
func (d *Device) refuseForeign() error {
	head, err := arena.Map(MinCapacity)
	if err != nil {
		return err
	}
	defer func() { _ = arena.Unmap(head) }()
	if _, err := d.ReadAt(head, 0); err != nil {
		return err
	}
	if found := signature(head); found != "" {
		return fmt.Errorf("holds %s; if it is really to be overwritten, run: wipefs --all %s", found, d.name)
	}
	return nil
}

// signatures of what people keep on block devices. All lie in the first two
// blocks, where a WAL has its headers, so no record can look like one.
var signatures = []struct {
	pos   int
	magic string
	name  string
}{
	{0x438, "\x53\xef", "an ext2, ext3 or ext4 file system"},
	{0, "XFSB", "an xfs file system"},
	{0, "LUKS\xba\xbe", "an encrypted volume (LUKS)"},
	{3, "NTFS    ", "an NTFS file system"},
	{0x200, "EFI PART", "a partition table (GPT)"},
	{0x1fe, "\x55\xaa", "a partition table or boot sector"},
	{0x218, "LVM2 001", "a physical volume of LVM"},
	{4086, "SWAPSPACE2", "swap space"},
	{0x1000, "\xfc\x4e\x2b\xa9", "a RAID member (md)"},
}

func signature(head []byte) string {
	for _, s := range signatures {
		if bytes.HasPrefix(head[s.pos:], []byte(s.magic)) {
			return s.name
		}
	}
	return ""
}

// claimant says, as far as /proc/self/mounts knows, who has the device.
func claimant(device string) string {
	var want unix.Stat_t
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil || unix.Stat(device, &want) != nil {
		return "mounted, or claimed by another process"
	}
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		var st unix.Stat_t
		if len(fields) > 1 && unix.Stat(fields[0], &st) == nil && st.Rdev == want.Rdev && st.Rdev != 0 {
			return "mounted at " + fields[1]
		}
	}
	return "claimed by another process, by swap or by an array, or a partition of it is mounted"
}

package iopath

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// probe finds out whether the durability asked for is true here, and what a
// user should know. O_DIRECT alone (Direct) is refused unless the blocks are
// known to be allocated and written: else the file system's own metadata,
// which says where the data is, is still in memory when the write completes.
func (d *Device) probe(want Durability) (warnings []string, err error) {
	info, err := d.file.Stat()
	if err != nil {
		return nil, err
	}
	var place unix.Stat_t
	if err := unix.Fstat(d.Fd(), &place); err != nil {
		return nil, os.NewSyscallError("fstat", err)
	}
	dev := place.Rdev
	if info.Mode().IsRegular() {
		dev = place.Dev
		if warnings, err = d.probeFile(want, info); err != nil {
			return nil, err
		}
	}
	if want == Direct {
		if w := cacheWarning(dev); w != "" {
			warnings = append(warnings, w)
		}
	}
	return warnings, nil
}

func (d *Device) probeFile(want Durability, info fs.FileInfo) (warnings []string, err error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(d.Fd(), &st); err != nil {
		return nil, os.NewSyscallError("fstatfs", err)
	}
	kind := int64(st.Type)
	filled := d.filled(info.Size())
	switch {
	case want == Direct && kind != unix.EXT4_SUPER_MAGIC && kind != unix.XFS_SUPER_MAGIC:
		return nil, errors.New("durability=direct is true only on a raw block device, ext4 or xfs; use durability=dsync")
	case want == Direct && !filled:
		return nil, errors.New("durability=direct needs every block written once, and this file has holes; " +
			"use durability=dsync, or remove the file and let it be created")
	}
	if kind == unix.TMPFS_MAGIC || kind == unix.RAMFS_MAGIC {
		warnings = append(warnings, "the file is in memory: it survives neither a power cut nor a reboot")
	}
	if !filled {
		warnings = append(warnings, "the file is not filled with zeros: durable writes are several times slower until each block was written once")
	}
	return warnings, nil
}

// filled says whether every block of the file is allocated and written. A
// block that is only preallocated counts as a hole here.
func (d *Device) filled(size int64) bool {
	hole, err := unix.Seek(d.Fd(), 0, unix.SEEK_HOLE)
	return err == nil && hole >= size
}

// cacheWarning is what to say of the device's own cache, or nothing. A write
// that is only in a volatile cache is lost by a power cut, and O_DIRECT alone
// does not flush it; the other durabilities do.
func cacheWarning(dev uint64) string {
	cache := writeCache(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(dev), unix.Minor(dev)))
	switch cache {
	case "write through":
		return ""
	case "write back":
		return "durability=direct on a device with a volatile write cache: completed writes are lost by a power cut; use durability=dsync"
	default:
		return "durability=direct, and whether the device has a volatile write cache cannot be told; durability=dsync is safe"
	}
}

// writeCache reads what the block layer believes; a partition has no queue of
// its own and takes its disk's.
func writeCache(sys string) string {
	for _, dir := range []string{"/queue/", "/../queue/"} {
		if text, err := os.ReadFile(sys + dir + "write_cache"); err == nil {
			return strings.TrimSpace(string(text))
		}
	}
	return ""
}

package results

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Kernel reports the running kernel and tries io_uring.
func Kernel() KernelInfo {
	k := KernelInfo{Release: "unknown", IOUring: probeIOUring()}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		k.Release = unix.ByteSliceToString(u.Release[:])
	}
	return k
}

// probeIOUring sets up the smallest ring and closes it again: the only way to
// see what seccomp filters and the sysctl together permit.
func probeIOUring() string {
	var params [120]byte // struct io_uring_params, all zero: no options asked for
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
	if errno == 0 {
		_ = unix.Close(int(fd))
		return "available"
	}
	if errors.Is(errno, unix.ENOSYS) {
		return "not in this kernel"
	}
	if v, err := os.ReadFile("/proc/sys/kernel/io_uring_disabled"); err == nil {
		if s := strings.TrimSpace(string(v)); s != "0" {
			return fmt.Sprintf("refused: %v (sysctl kernel.io_uring_disabled=%s)", errno, s)
		}
	}
	return fmt.Sprintf("refused: %v (a seccomp filter, as containers have it)", errno)
}

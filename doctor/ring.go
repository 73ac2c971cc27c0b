package doctor

import (
	"context"
	"strings"
)

func init() {
	register(check{order: 10, name: "io_uring", wanted: "available, for uring: WALs", run: ioUring})
}

// ioUring names which of the three gates is shut. The broker's default WAL
// does not need it; half of the matrix does.
func ioUring(_ context.Context, s *System) answer {
	found := s.IOUring()
	disabled := s.read("/proc/sys/kernel/io_uring_disabled")
	switch {
	case found == "available":
		return fine("available (seccomp and sysctl allow it)")
	case disabled == "2":
		return bad(found, "sysctl -w kernel.io_uring_disabled=0, or use pwrite: WALs")
	case disabled == "1":
		return bad(found, "join the group of sysctl kernel.io_uring_group, or sysctl -w kernel.io_uring_disabled=0")
	case strings.HasPrefix(found, "refused"):
		return bad(found, "allow io_uring_setup, io_uring_enter and io_uring_register in the seccomp profile of the container, or use pwrite: WALs")
	default:
		return bad(found, "use Linux 5.6 or newer with CONFIG_IO_URING, or pwrite: WALs")
	}
}

package uring

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/iopath"
)

// sysctlFile says who may use io_uring: 0 all, 1 a group, 2 nobody.
const sysctlFile = "/proc/sys/kernel/io_uring_disabled"

// explainSetup turns the kernel's refusal into its cause and a remedy.
func explainSetup(errno unix.Errno) error {
	text, _ := os.ReadFile(sysctlFile)
	cause, remedy := diagnose(errno, strings.TrimSpace(string(text)))
	return fmt.Errorf("io_uring %w: %s (%w); %s, or use pwrite: in the WAL URL", iopath.ErrUnsupported, cause, errno, remedy)
}

func diagnose(errno unix.Errno, disabled string) (cause, remedy string) {
	switch {
	case errno == unix.EPERM && disabled == "2":
		return "switched off by sysctl kernel.io_uring_disabled=2", "run: sysctl -w kernel.io_uring_disabled=0"
	case errno == unix.EPERM && disabled == "1":
		return "sysctl kernel.io_uring_disabled=1 allows it to one group only",
			"join the group of sysctl kernel.io_uring_group, or run: sysctl -w kernel.io_uring_disabled=0"
	case errno == unix.EPERM:
		return "a seccomp filter, as containers have by default, forbids it",
			"allow io_uring_setup and io_uring_enter in the container's seccomp profile"
	case errno == unix.ENOSYS:
		return "the kernel is older than 5.1, was built without it, or a sandbox hides it", "use Linux 5.6 or newer"
	case errno == unix.ENOTSUP:
		return "the kernel is older than 5.6", "use Linux 5.6 or newer"
	case errno == unix.ENOMEM:
		return "the limit on locked memory is too low", "raise it with: ulimit -l unlimited"
	default:
		return "the kernel refused", "see io_uring_setup(2)"
	}
}

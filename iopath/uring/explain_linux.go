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
func explainSetup(errno unix.Errno, s setup) error {
	text, _ := os.ReadFile(sysctlFile)
	cause, remedy := diagnose(errno, strings.TrimSpace(string(text)))
	switch {
	case errno == unix.EINVAL && s.mode == iopath.ModeOwner:
		cause, remedy = "the kernel is older than 6.1 and has no DEFER_TASKRUN", "use mode=leader"
	case s.sqpoll && (errno == unix.EINVAL || errno == unix.EPERM && disabledNot(text)):
		cause, remedy = "the kernel gives this process no SQPOLL (before 5.11 it is for root)", "leave sqpoll=1 out"
	}
	return fmt.Errorf("io_uring %w: %s (%w); %s, or use pwrite: in the WAL URL", iopath.ErrUnsupported, cause, errno, remedy)
}

// disabledNot says whether the sysctl leaves io_uring to all, so that a refusal
// has another cause.
func disabledNot(sysctl []byte) bool { return strings.TrimSpace(string(sysctl)) == "0" }

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

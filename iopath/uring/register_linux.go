package uring

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/iopath"
)

// Operations of io_uring_register.
const (
	registerBuffers   = 0
	unregisterBuffers = 1
	registerFiles     = 2
	unregisterFiles   = 3
	registerProbe     = 8
)

// registerChunk is the largest buffer that can be registered, in bytes.
const registerChunk = 1 << 30

// register gives the kernel the arena and the file for good.
func register(ring int, memory []byte, fd int) error {
	var chunks []unix.Iovec
	for from := 0; from < len(memory); from += registerChunk {
		v := unix.Iovec{Base: &memory[from]}
		v.SetLen(min(registerChunk, len(memory)-from))
		chunks = append(chunks, v)
	}
	if errno := registerCall(ring, registerBuffers, unsafe.Pointer(&chunks[0]), len(chunks)); errno != 0 {
		return explainRegister(errno, len(memory))
	}
	files := [1]int32{int32(fd)}
	if errno := registerCall(ring, registerFiles, unsafe.Pointer(&files[0]), len(files)); errno != 0 {
		return os.NewSyscallError("io_uring_register of the file", errno)
	}
	return nil
}

// unregister takes back what register gave. Closing the ring would do so too,
// but some time later: until then the file stays open in the kernel, and with it
// our lock or our claim on the device, and the next Open would find it in use.
func unregister(ring int) error {
	for _, op := range []uintptr{unregisterFiles, unregisterBuffers} {
		if errno := registerCall(ring, op, nil, 0); errno != 0 {
			return os.NewSyscallError("io_uring_register (taking back)", errno)
		}
	}
	return nil
}

func explainRegister(errno unix.Errno, size int) error {
	if errno == unix.ENOMEM {
		return fmt.Errorf("registered buffers %w: the limit on locked memory is below the %d MiB of the arena (%w); "+
			"raise it with: ulimit -l unlimited, or leave fixed=1 out", iopath.ErrUnsupported, size>>20, errno)
	}
	return fmt.Errorf("registered buffers %w: the kernel, or a seccomp filter on io_uring_register, refused (%w); leave fixed=1 out",
		iopath.ErrUnsupported, errno)
}

func registerCall(ring int, op uintptr, arg unsafe.Pointer, n int) unix.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(ring), op, uintptr(arg), uintptr(n), 0, 0)
	return errno
}

// opProbe is struct io_uring_probe with room for the operations that we use.
type opProbe struct {
	lastOp, opsLen uint8
	_              [14]byte
	ops            [64]struct {
		op, _ uint8
		flags uint16
		_     uint32
	}
}

const opSupported = 1 << 0

// probe tries what a sandbox may refuse although it allows the set-up, and asks
// which operations the kernel knows. Where only that question is refused, the
// set-up's own answer (Linux 5.6) has to do.
func probe(ring int, s setup) error {
	if _, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(ring), 0, 0, 0, 0, 0); errno != 0 && errno != unix.EINTR {
		return explainSetup(errno, s)
	}
	var p opProbe
	answered := registerCall(ring, registerProbe, unsafe.Pointer(&p), len(p.ops)) == 0
	for _, op := range []int{opNop, opFsync, opWriteFixed, opRead, opWrite} {
		if answered && p.ops[op].flags&opSupported == 0 {
			return explainSetup(unix.ENOTSUP, s)
		}
	}
	return nil
}

package doctor

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/internal/arena"
)

const (
	nvmeIoctlID       = 0x4e40     // returns the namespace of the device
	nvmeIoctlAdminCmd = 0xc0484e41 // struct nvmeAdminCmd
	nvmeIdentify      = 0x06       // opcode; CNS 0 is the namespace's own structure
	sgIO              = 0x2285     // struct sgHeader
	askTimeoutMs      = 5000
)

// askReservations sends a command that only reads. Devices of other kinds, such
// as virtio and loop, have no reservations.
func askReservations(p Place) (Reservations, error) {
	f, err := os.Open(p.Path)
	if err != nil {
		return Reservations{}, err
	}
	defer f.Close()
	link, err := os.Readlink("/sys/dev/block/" + p.Device)
	if err != nil {
		return Reservations{}, err
	}
	// Commands carry addresses as plain numbers, so what they point to must be
	// where the Go runtime moves nothing.
	page, err := arena.Map(4096)
	if err != nil {
		return Reservations{}, err
	}
	defer func() { _ = arena.Unmap(page) }()
	switch {
	case strings.Contains(link, "/nvme"):
		return askNVMe(int(f.Fd()), page)
	case strings.Contains(link, "/target"): // …/hostN/targetN:N:N/…: a SCSI disk
		return askSCSI(int(f.Fd()), page)
	default:
		return Reservations{}, fmt.Errorf("neither NVMe nor SCSI: %w", errors.ErrUnsupported)
	}
}

// nvmeAdminCmd is struct nvme_admin_cmd of linux/nvme_ioctl.h, 72 bytes.
type nvmeAdminCmd struct {
	opcode, flags        uint8
	_                    uint16
	nsid                 uint32
	_, _                 uint32
	_, addr              uint64
	metadataLen, dataLen uint32
	cdw10                [6]uint32
	timeoutMs, result    uint32
}

func askNVMe(fd int, answer []byte) (Reservations, error) {
	nsid, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), nvmeIoctlID, 0)
	if errno != 0 {
		return Reservations{}, os.NewSyscallError("ioctl NVME_IOCTL_ID", errno)
	}
	cmd := nvmeAdminCmd{
		opcode: nvmeIdentify, nsid: uint32(nsid), addr: uint64(uintptr(unsafe.Pointer(&answer[0]))),
		dataLen: uint32(len(answer)), timeoutMs: askTimeoutMs,
	}
	status, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), nvmeIoctlAdminCmd, uintptr(unsafe.Pointer(&cmd)))
	if errno != 0 {
		return Reservations{}, os.NewSyscallError("ioctl NVME_IOCTL_ADMIN_CMD", errno)
	}
	if status != 0 {
		return Reservations{}, fmt.Errorf("identify answered with status %#x", status)
	}
	return nvmeCapabilities(answer), nil
}

// sgHeader is struct sg_io_hdr of scsi/sg.h.
type sgHeader struct {
	interfaceID    int32
	direction      int32
	cmdLen, maxSb  uint8
	iovecs         uint16
	dataLen        uint32
	data, cmd, sbp uintptr
	timeoutMs      uint32
	flags          uint32
	packID         int32
	_              uintptr
	status         uint8
	_              [3]uint8
	hostStatus     uint16
	driverStatus   uint16
	resid          int32
	durationMs     uint32
	info           uint32
}

func askSCSI(fd int, page []byte) (Reservations, error) {
	const fromDevice = -3
	// PERSISTENT RESERVE IN, service action REPORT CAPABILITIES, 8 bytes.
	answer, cdb, sense := page[:8], page[8:18], page[32:64]
	copy(cdb, []byte{0x5e, 0x02, 0, 0, 0, 0, 0, 0, 8, 0})
	h := sgHeader{
		interfaceID: 'S', direction: fromDevice, cmdLen: uint8(len(cdb)), maxSb: uint8(len(sense)), dataLen: uint32(len(answer)),
		data: uintptr(unsafe.Pointer(&answer[0])), cmd: uintptr(unsafe.Pointer(&cdb[0])), sbp: uintptr(unsafe.Pointer(&sense[0])),
		timeoutMs: askTimeoutMs,
	}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), sgIO, uintptr(unsafe.Pointer(&h)))
	switch {
	case errno != 0:
		return Reservations{}, os.NewSyscallError("ioctl SG_IO", errno)
	case h.status != 0 || h.hostStatus != 0:
		return Reservations{}, fmt.Errorf("the disk does not know PERSISTENT RESERVE (status %#x): %w", h.status, errors.ErrUnsupported)
	default:
		return scsiCapabilities(answer), nil
	}
}

package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/internal/arena"
)

func (s *System) setPlatform() {
	s.Place, s.Direct, s.Clock, s.FileLimit, s.Reservations = findPlace, tryDirect, readClock, fileLimits, askReservations
}

func findPlace(path string) (Place, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return Place{}, err
	}
	number := func(dev uint64) string { return fmt.Sprintf("%d:%d", unix.Major(dev), unix.Minor(dev)) }
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return Place{path, Directory, number(st.Dev)}, nil
	case unix.S_IFREG:
		return Place{path, RegularFile, number(st.Dev)}, nil
	case unix.S_IFBLK:
		return Place{path, BlockDevice, number(st.Rdev)}, nil
	default:
		return Place{}, errors.New("is neither a directory, nor a file, nor a block device")
	}
}

// tryDirect does one block of direct I/O: written to a new file that has no
// name left when something fails, read from anything that exists already.
func tryDirect(p Place) (Alignment, error) {
	f, err := openDirect(p)
	if errors.Is(err, unix.EINVAL) {
		return Alignment{}, fmt.Errorf("refused by the file system: %w", errors.ErrUnsupported)
	}
	if err != nil {
		return Alignment{}, err
	}
	defer f.Close()
	block, err := arena.Map(blockSize)
	if err != nil {
		return Alignment{}, err
	}
	defer func() { _ = arena.Unmap(block) }()
	if p.Kind == Directory {
		_, err = f.WriteAt(block, 0)
	} else {
		_, err = unix.Pread(int(f.Fd()), block, 0) // a file shorter than a block is not an error here
	}
	if errors.Is(err, unix.EINVAL) {
		return Alignment{}, fmt.Errorf("opens, and refuses a block of %d bytes: %w", blockSize, errors.ErrUnsupported)
	}
	if err != nil {
		return Alignment{}, err
	}
	return statAlignment(f)
}

func openDirect(p Place) (*os.File, error) {
	if p.Kind != Directory {
		return os.OpenFile(p.Path, os.O_RDONLY|unix.O_DIRECT, 0)
	}
	name := filepath.Join(p.Path, fmt.Sprintf(".tide-doctor-%d", os.Getpid()))
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_DIRECT, 0o600)
	// Linux makes the file before it finds that O_DIRECT is missing.
	if rm := os.Remove(name); rm != nil && err == nil && !errors.Is(rm, fs.ErrNotExist) {
		err = errors.Join(rm, f.Close())
	}
	return f, err
}

// statAlignment asks the kernel. With journalled data ext4 opens with O_DIRECT
// and writes through the page cache all the same; an alignment of zero tells.
func statAlignment(f *os.File) (Alignment, error) {
	var st unix.Statx_t
	told := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_DIOALIGN, &st) == nil
	if !told || st.Mask&unix.STATX_DIOALIGN == 0 {
		return Alignment{}, nil // before Linux 6.1, or a file system that does not say
	}
	if st.Dio_offset_align == 0 {
		return Alignment{}, fmt.Errorf("goes through the page cache (journalled, encrypted or compressed data): %w", errors.ErrUnsupported)
	}
	return Alignment{Memory: int(st.Dio_mem_align), Offset: int(st.Dio_offset_align)}, nil
}

func readClock() (ClockState, error) {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return ClockState{}, os.NewSyscallError("adjtimex", err)
	}
	return ClockState{
		Synchronised: t.Status&unix.STA_UNSYNC == 0,
		Estimated:    time.Duration(t.Esterror) * time.Microsecond,
		Maximum:      time.Duration(t.Maxerror) * time.Microsecond,
	}, nil
}

// fileLimits gives the soft limit as the shell set it. Go raises it to the hard
// one for itself at start, so the process that started us is asked.
func fileLimits() (soft, hard uint64, err error) {
	var l unix.Rlimit
	if err := unix.Prlimit(os.Getppid(), unix.RLIMIT_NOFILE, nil, &l); err != nil {
		err = unix.Getrlimit(unix.RLIMIT_NOFILE, &l)
		return l.Cur, l.Max, err
	}
	return l.Cur, l.Max, nil
}

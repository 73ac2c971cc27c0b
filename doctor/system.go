package doctor

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// System is the machine as checks see it. New gives the real one; a test gives
// whatever it wants to see diagnosed. Every function may be called at most once
// by each check.
type System struct {
	Root string // goes in front of /proc and /sys; "" on the real machine
	Path string // where a WAL is to be: a directory, a file or a block device

	Place        func(path string) (Place, error)
	Direct       func(Place) (Alignment, error) // errors.ErrUnsupported: the file system has no O_DIRECT
	IOUring      func() string                  // "available", or why not
	Clock        func() (ClockState, error)
	FileLimit    func() (soft, hard uint64, err error)
	Reservations func(Place) (Reservations, error)
	Program      func(ctx context.Context, name string, args ...string) (string, error) // what it prints
	Metadata     func(ctx context.Context, key string) (string, error)                  // of the EC2 instance
	Pause        func(context.Context, time.Duration)                                   // between two readings

	place Place // found once by Run
}

// Kind of a place.
type Kind string

// The places where a WAL can be.
const (
	Directory   Kind = "directory"
	RegularFile Kind = "file"
	BlockDevice Kind = "block device"
)

// Place is what PATH turned out to be.
type Place struct {
	Path   string
	Kind   Kind
	Device string // MAJOR:MINOR of the device itself, or of the one that holds the file system
}

// Alignment that direct I/O needs, bytes. Zero: the kernel does not tell.
type Alignment struct{ Memory, Offset int }

// ClockState is what adjtimex(2) tells.
type ClockState struct {
	Synchronised bool
	Estimated    time.Duration // error as the daemon estimates it
	Maximum      time.Duration // bound of the error
}

func (s *System) locate() error {
	place, err := s.Place(s.Path)
	if err != nil {
		return fmt.Errorf("%s: %w; give a directory, a file or a block device that exists", s.Path, err)
	}
	s.place = place
	return nil
}

// filesystem looks the device up in mountinfo, whose lines read
// "id parent MAJOR:MINOR root mountpoint options … - TYPE source options".
func (s *System) filesystem() (kind, options string) {
	f, err := os.Open(s.Root + "/proc/self/mountinfo")
	if err != nil {
		return "", ""
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		left, right, ok := strings.Cut(in.Text(), " - ")
		fields, source := strings.Fields(left), strings.Fields(right)
		if ok && len(fields) > 5 && len(source) > 2 && fields[2] == s.place.Device {
			return source[0], fields[5] + "," + source[2]
		}
	}
	return "", ""
}

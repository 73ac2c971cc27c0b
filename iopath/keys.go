package iopath

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidelog/tide/internal/align"
	"github.com/tidelog/tide/internal/units"
)

// maxWait bounds linger and tick.
const maxWait = time.Second

// parseWait is the parser of a time that a block may wait. An empty one and 0
// are none.
func parseWait(field func(*Spec) *time.Duration) func(*Spec, string) error {
	return func(s *Spec, value string) (err error) {
		if value == "" {
			return nil
		}
		d, err := units.ParseDuration(value)
		if err != nil {
			return err
		}
		if d > maxWait {
			return fmt.Errorf("%q: want 0 to %v", value, maxWait)
		}
		*field(s) = d
		return nil
	}
}

func parseCapacity(s *Spec, value string) (err error) {
	if s.Capacity, err = units.ParseSize(value); err != nil {
		return err
	}
	if s.Capacity == 0 {
		return errors.New("0: leave the key out to take what the file or device has")
	}
	return checkCapacity(s.Capacity)
}

func parseDurability(s *Spec, value string) error {
	switch d := Durability(value); {
	case (s.Scheme == SchemeMem || s.Scheme == SchemeNull) && d != None:
		return fmt.Errorf("%q: memory survives nothing, want none", value)
	case s.Scheme == SchemeFsync && d != Fdatasync && d != None:
		return fmt.Errorf("%q: fsync writes through the page cache; want fdatasync or none", value)
	case d == Dsync || d == Direct || d == Fdatasync || d == None:
		s.Durability = d
		return nil
	default:
		return fmt.Errorf("%q: want dsync, direct, fdatasync or none", value)
	}
}

func parseDepth(s *Spec, value string) error {
	if value == "auto" {
		return nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > MaxDepth {
		return fmt.Errorf("%q: want auto or 1 to %d writes in flight", value, MaxDepth)
	}
	s.Depth = n
	return nil
}

func parseBlock(s *Spec, value string) error {
	n, err := parseSizes(value)
	if err != nil {
		return err
	}
	switch {
	case len(n) == 1:
		// A record larger than the soft size still has to fit into a block.
		s.BlockSoft, s.BlockHard = n[0], max(n[0], 1<<20)
	case len(n) == 2 && n[0] <= n[1]:
		s.BlockSoft, s.BlockHard = n[0], n[1]
	default:
		return fmt.Errorf("%q: want SOFT or SOFT,HARD with SOFT not above HARD", value)
	}
	return nil
}

func parseWindow(s *Spec, value string) error {
	n, err := parseSizes(value)
	if err != nil {
		return err
	}
	switch {
	case len(n) == 1:
		s.WindowInitial, s.WindowStep, s.WindowLimit = n[0], 0, n[0]
	case len(n) == 3 && n[0] <= n[2]:
		s.WindowInitial, s.WindowStep, s.WindowLimit = n[0], n[1], n[2]
	default:
		return fmt.Errorf("%q: want INITIAL (fixed) or INITIAL,STEP,LIMIT with INITIAL not above LIMIT", value)
	}
	return nil
}

func parseMode(s *Spec, value string) error {
	switch {
	case s.Scheme != SchemeUring:
		return fmt.Errorf("scheme %s has no ring, and takes no mode", s.Scheme)
	case value != ModeLeader && value != ModeOwner:
		return fmt.Errorf("%q: want leader or owner", value)
	}
	s.Mode = value
	return nil
}

func parseRing(s *Spec, value string) error {
	switch {
	case s.Scheme != SchemeUring:
		return fmt.Errorf("scheme %s has no ring", s.Scheme)
	case value != RingOwn && value != RingGiouring:
		return fmt.Errorf("%q: want own or giouring", value)
	}
	s.Ring = value
	return nil
}

// parseSwitch is the parser of a key of uring that is 0 or 1. Off is right
// everywhere.
func parseSwitch(field func(*Spec) *bool) func(*Spec, string) error {
	return func(s *Spec, value string) error {
		switch {
		case value != "0" && value != "1":
			return fmt.Errorf("%q: want 0 or 1", value)
		case value == "1" && s.Scheme != SchemeUring:
			return fmt.Errorf("scheme %s has no ring", s.Scheme)
		}
		*field(s) = value == "1"
		return nil
	}
}

func parseModel(s *Spec, value string) error {
	if value != "" && !slices.Contains(ModelNames, value) {
		return fmt.Errorf("%q: want one of %s", value, strings.Join(ModelNames, ", "))
	}
	s.Model = value
	return nil
}

func parseSeed(s *Spec, value string) error {
	n, err := strconv.ParseUint(value, 10, 63)
	if value != "" && (err != nil || n == 0) {
		return fmt.Errorf("%q: want a number from 1", value)
	}
	s.Seed = n
	return nil
}

func parseIOPS(s *Spec, value string) error {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return fmt.Errorf("%q: want a number of I/Os a second, 0 for no limit", value)
	}
	s.IOPS = int64(n)
	return nil
}

func parsePace(s *Spec, value string) error {
	if value != "0" && value != "1" {
		return fmt.Errorf("%q: want 1 to space blocks by the device's IOPS where they are known, 0 not to", value)
	}
	s.NoPace = value == "0"
	return nil
}

func parseByteRate(s *Spec, value string) error {
	r, err := units.ParseRate(value)
	if err != nil {
		return err
	}
	if r.PerSecond != 0 && !r.IsBytes {
		return fmt.Errorf("%q: want bytes a second, such as 125MiB/s; iops= limits I/Os", value)
	}
	s.Rate = r.PerSecond
	return nil
}

// parseSizes reads sizes with commas between them, each of whole blocks.
func parseSizes(value string) ([]int64, error) {
	var sizes []int64
	for text := range strings.SplitSeq(value, ",") {
		n, err := units.ParseSize(text)
		if err != nil {
			return nil, err
		}
		if n == 0 || !align.Is(n, BlockSize) {
			return nil, fmt.Errorf("%q: want a multiple of %s", text, units.Size(BlockSize))
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

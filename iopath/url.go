package iopath

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tidelog/tide/internal/align"
	"github.com/tidelog/tide/internal/units"
)

// ParseURL takes a WAL URL apart:
//
//	pwrite:/data/wal?capacity=2GiB&durability=dsync&block=256KiB,1MiB
//	───┬── ────┬──── ────────────────────┬───────────────────────────
//	scheme    file                     keys
//
// The file is everything up to the first question mark, as it is. A scheme, a
// key or a value that is not known is refused with what is allowed, and so is
// a key that is known but not built in, unless its value switches it off: a
// knob that is read and ignored would put a lie into every result.
func ParseURL(text string) (Spec, error) {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok {
		return Spec{}, fmt.Errorf("WAL URL %q: want SCHEME:PATH?key=value, such as pwrite:/data/wal?capacity=2GiB", text)
	}
	file, query, _ := strings.Cut(rest, "?")
	spec := Spec{Scheme: scheme, File: file, Durability: Dsync}
	if err := spec.checkScheme(); err != nil {
		return Spec{}, fmt.Errorf("WAL URL %q: %w", text, err)
	}
	if err := spec.parseKeys(query); err != nil {
		return Spec{}, fmt.Errorf("WAL URL %q: %w", text, err)
	}
	return spec, nil
}

// checkScheme refuses what is not built in, and sets what a scheme implies.
func (s *Spec) checkScheme() error {
	switch s.Scheme {
	case SchemeUring:
		s.Mode = ModeLeader
	case SchemePwrite:
	case SchemeMem:
		s.Durability = None
		if s.File != "" {
			return fmt.Errorf("scheme mem takes no path, and got %q", s.File)
		}
		return nil
	case SchemeFsync:
		s.Durability = Fdatasync
	default:
		return fmt.Errorf("scheme %q: want uring, pwrite, fsync or mem", s.Scheme)
	}
	if s.File == "" {
		return fmt.Errorf("scheme %s needs the path of a file or block device", s.Scheme)
	}
	return nil
}

// keys of a WAL URL, each with the function that puts a value into the Spec.
var keys = map[string]func(*Spec, string) error{
	"capacity":   parseCapacity,
	"durability": parseDurability,
	"depth":      parseDepth,
	"block":      parseBlock,
	"window":     parseWindow,
	"mode":       parseMode,
	// Known, and not built in yet: only the value that switches it off passes.
	"iops":   offOnly("0"),
	"rate":   offOnly("0"),
	"sqpoll": offOnly("0"),
	"fixed":  offOnly("0"),
	"linger": offOnly("0", "0s"),
	"tick":   offOnly(""),
	"model":  offOnly(""),
	"seed":   offOnly(""),
}

func (s *Spec) parseKeys(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(values)) {
		parse, known := keys[key]
		switch {
		case !known:
			err = fmt.Errorf("want one of %s", strings.Join(slices.Sorted(maps.Keys(keys)), ", "))
		case len(values[key]) > 1:
			err = fmt.Errorf("given %d times, want it once", len(values[key]))
		default:
			err = parse(s, values[key][0])
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("key %s: %w", key, err))
		}
	}
	return join(faults)
}

// offOnly is the parser of a key that is not built in yet.
func offOnly(off ...string) func(*Spec, string) error {
	return func(_ *Spec, value string) error {
		if slices.Contains(off, value) {
			return nil
		}
		return fmt.Errorf("%q is not built in yet; leave the key out", value)
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
	case s.Scheme == SchemeMem && d != None:
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
	case value == ModeLeader:
		return nil
	case value == "owner":
		return errors.New(`"owner" is not built in yet; want leader`)
	default:
		return fmt.Errorf("%q: want leader", value)
	}
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

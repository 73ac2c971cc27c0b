package iopath

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
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
		s.Mode, s.Ring = ModeLeader, RingOwn
	case SchemePwrite:
	case SchemeMem, SchemeNull:
		s.Durability = None
		if s.File != "" {
			return fmt.Errorf("scheme %s takes no path, and got %q", s.Scheme, s.File)
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
	"ring":       parseRing,
	"fixed":      parseSwitch(func(s *Spec) *bool { return &s.Fixed }),
	"sqpoll":     parseSwitch(func(s *Spec) *bool { return &s.SQPoll }),
	"model":      parseModel,
	"seed":       parseSeed,
	"iops":       parseIOPS,
	"rate":       parseByteRate,
	"linger":     parseWait(func(s *Spec) *time.Duration { return &s.Linger }),
	"pace":       parsePace,
	"tick":       parseWait(func(s *Spec) *time.Duration { return &s.Tick }),
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
	if len(faults) == 0 {
		faults = s.checkTogether()
	}
	return join(faults)
}

// checkTogether refuses keys that are right one by one and do not go together.
func (s *Spec) checkTogether() (faults []error) {
	if s.SQPoll && s.Mode == ModeOwner {
		faults = append(faults, errors.New("sqpoll=1 has a kernel thread submit and mode=owner a thread of ours: want one of the two"))
	}
	if s.Seed != 0 && s.Model == "" {
		faults = append(faults, errors.New("seed is a model's: want model= beside it"))
	}
	if s.Linger != 0 && s.Tick != 0 {
		faults = append(faults, errors.New("linger and tick exclude each other: with a tick, blocks are written at its multiples"))
	}
	return faults
}

package doctor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// blockSize of a WAL, bytes: the alignment of everything that it writes.
const blockSize = 4096

func init() {
	register(check{order: 20, name: "o_direct", required: true, wanted: "direct I/O in blocks of 4096 bytes", run: directIO})
	register(check{order: 21, name: "alignment", required: true, wanted: "at most 4096 bytes", run: alignment})
}

// directIO tries one block: what a file system says about O_DIRECT and what it
// does are two things.
func directIO(_ context.Context, s *System) answer {
	_, err := s.Direct(s.place)
	switch {
	case err == nil:
		return fine("works on the %s", s.place.Kind)
	case errors.Is(err, errors.ErrUnsupported):
		return bad(err.Error(), "put the WAL on ext4 or xfs, or on a raw block device")
	default:
		return bad(err.Error(), "make the path readable and writable for this user")
	}
}

// alignment takes the strictest of what the file system and the disk ask for.
// A physical sector above 4 KiB is only slow (the disk reads, changes, writes).
func alignment(_ context.Context, s *System) answer {
	a, _ := s.Direct(s.place) // its error is o_direct's finding
	logical, physical := number(s.queue("logical_block_size")), number(s.queue("physical_block_size"))
	need := max(a.Memory, a.Offset, logical)
	if need == 0 {
		return fine("not told by this kernel; a write would tell")
	}
	found := fmt.Sprintf("%d bytes", need)
	if physical > 0 {
		found += fmt.Sprintf(" (physical sector %d)", physical)
	}
	if max(need, physical) > blockSize {
		return bad(found, "use a device whose sectors have at most 4096 bytes, or format it so (nvme format --lbaf)")
	}
	return fine("%s", found)
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// Package bounded reads files that somebody names, such as a workload or a price
// book, whole and never more of them than a bound:
//
//	├────────── most ──────────┤
//	│ a workload, 2 KiB │          read, returned
//	│ a disk image, or /dev/zero … one byte behind the bound is read, and the
//	                               file refused: Excess
//
// All that read such files use this one, so that the bound holds before anything
// is allocated, and what is refused is worded the same everywhere.
package bounded

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Excess is of content that is larger than its bound.
type Excess struct {
	Most int64 // bytes
}

func (e *Excess) Error() string {
	if e.Most%mib == 0 {
		return fmt.Sprintf("too large: want at most %d MiB", e.Most/mib)
	}
	return fmt.Sprintf("too large: want at most %d bytes", e.Most)
}

const mib = 1 << 20

// Read returns the content of a file of at most so many bytes. Every error is an
// *fs.PathError, which names the file; of a larger one it wraps an *Excess and
// says what to do.
func Read(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if err := Check(content, most); err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("%w: make it smaller, or name another file", err)}
	}
	return content, nil
}

// Check is for content that came another way than by Read. Its error is an
// *Excess.
func Check(content []byte, most int64) error {
	if int64(len(content)) > most {
		return &Excess{most}
	}
	return nil
}

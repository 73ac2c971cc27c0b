package objstore

import (
	"errors"
	"fmt"
	"strings"
)

// More errors that every Store wraps with the key.
var (
	// ErrKey: the key is none that every kind of store could keep.
	ErrKey = errors.New("bad object key")
	// ErrExists: the key holds an object of other bytes. Keys are never used
	// twice, so two writers believe to own it.
	ErrExists = errors.New("object exists with other content")
	// ErrClosed: the store is closed.
	ErrClosed = errors.New("object store is closed")
)

// Bounds on keys: S3's on the whole, file systems' on an element, in bytes.
const (
	maxKey     = 1024
	maxElement = 255
)

// CheckKey refuses a key that is not a relative path of plain elements. A key
// becomes a file name in some stores, so none may climb out of the store, and
// S3 servers disagree on empty elements.
func CheckKey(key string) error {
	if key == "" || len(key) > maxKey {
		return fmt.Errorf("key of %d bytes, want 1 to %d: %w", len(key), maxKey, ErrKey)
	}
	for e := range strings.SplitSeq(key, "/") {
		switch {
		case e == "" || e == "." || e == "..":
			return fmt.Errorf("key %q: element %q: %w", key, e, ErrKey)
		case len(e) > maxElement:
			return fmt.Errorf("key %q: element of %d bytes, want at most %d: %w", key, len(e), maxElement, ErrKey)
		}
	}
	if strings.ContainsAny(key, "\x00\\") {
		return fmt.Errorf("key %q: zero byte or backslash: %w", key, ErrKey)
	}
	return nil
}

// CheckRange holds a range read against an object's size.
func CheckRange(key string, size, pos int64, n int) error {
	if pos < 0 || pos > size || int64(n) > size-pos {
		return fmt.Errorf("%s: %d bytes at %d of %d: %w", key, n, pos, size, ErrRange)
	}
	return nil
}

// Package objstore is the broker's view of an object store. S3, a directory
// and memory implement Store; objstore/model and objstore/fault wrap any of
// them; objstore/storetest is the acceptance suite that all of them pass.
//
// Objects are immutable: they are put whole under a key that is never used
// twice, read by ranges, and deleted. Nothing is renamed or appended to.
package objstore

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// Errors that every Store wraps with the key.
var (
	// ErrNotFound: there is no object under the key.
	ErrNotFound = errors.New("object not found")
	// ErrRange: the range read does not lie inside the object.
	ErrRange = errors.New("range outside the object")
	// ErrRefused: the store answers, and will not have us: credentials, the
	// bucket's name or its region are wrong. Waiting does not help.
	ErrRefused = errors.New("refused by the object store")
	// ErrThrottled: the store says "slow down" (503), and went on saying so.
	ErrThrottled = errors.New("throttled by the object store")
)

// Body is an object's bytes as a list of pieces, in order, so that an object
// can be put straight out of the log cache without a copy. The pieces belong
// to the caller and must not change until Put returns. A Body can be read any
// number of times, as retries need.
type Body [][]byte

// Size is the number of bytes of all pieces together.
func (b Body) Size() int64 {
	var n int64
	for _, p := range b {
		n += int64(len(p))
	}
	return n
}

// Section is n bytes of the body from position from on, cut out of the same
// memory. Both must lie inside the body.
func (b Body) Section(from, n int64) Body {
	var out Body
	for _, p := range b {
		if n == 0 {
			break
		}
		size := int64(len(p))
		if from >= size {
			from -= size
			continue
		}
		p = p[from:min(size, from+n)]
		out, n, from = append(out, p), n-int64(len(p)), 0
	}
	return out
}

// Reader reads the pieces one after the other.
func (b Body) Reader() io.Reader {
	rs := make([]io.Reader, len(b))
	for i, p := range b {
		rs[i] = bytes.NewReader(p)
	}
	return io.MultiReader(rs...)
}

// Info describes one object of a listing.
type Info struct {
	Key  string
	Size int64 // bytes
}

// Store keeps immutable objects under keys. All methods may be called at the
// same time from any goroutine. Every call ends when its context does.
type Store interface {
	// Put stores an object. When it returns nil the object is durable and
	// whole: the WAL is trimmed on the strength of it. After an error the key
	// may hold the whole object or nothing, never a part of it; repeating the
	// call with the same bytes is allowed and succeeds.
	Put(ctx context.Context, key string, body Body) error

	// GetRange fills p with the bytes from pos on. It is never short without
	// an error: ErrNotFound, or ErrRange when the object ends before
	// pos + len(p).
	GetRange(ctx context.Context, key string, pos int64, p []byte) error

	// Head returns the object's size, or ErrNotFound.
	Head(ctx context.Context, key string) (Info, error)

	// List calls fn for every object whose key begins with prefix, in key
	// order, until fn returns an error, which List then returns.
	List(ctx context.Context, prefix string, fn func(Info) error) error

	// Delete removes the object. A key that holds nothing is not an error.
	Delete(ctx context.Context, key string) error

	// Close releases connections and files. Calls in flight end with errors.
	Close() error
}

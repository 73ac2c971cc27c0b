package objstore

import (
	"context"
	"sync/atomic"
)

// Op is a kind of request to a Store.
type Op int

// The kinds of requests.
const (
	OpPut Op = iota
	OpGet
	OpHead
	OpList
	OpDelete
	opCount
)

// Ops are all kinds of requests.
var Ops = []Op{OpPut, OpGet, OpHead, OpList, OpDelete}

// String is the name used in metrics and results.
func (o Op) String() string {
	return [opCount]string{"put", "get", "head", "list", "delete"}[o]
}

// OpStats counts the requests of one kind.
type OpStats struct {
	Requests int64 // calls that were begun
	Errors   int64 // calls that ended with an error
	Bytes    int64 // put, or read into the caller's buffer, by calls that succeeded
}

// CountedStore is a Store that counts what goes through it.
type CountedStore struct {
	inner Store
	ops   [opCount]struct{ requests, errors, bytes atomic.Int64 }
}

// Counted wraps a store. One call of the wrapper is one request; retries
// inside of the store are its own to count.
func Counted(s Store) *CountedStore { return &CountedStore{inner: s} }

// Stats returns the counts of one kind of request since the start.
func (c *CountedStore) Stats(op Op) OpStats {
	o := &c.ops[op]
	return OpStats{Requests: o.requests.Load(), Errors: o.errors.Load(), Bytes: o.bytes.Load()}
}

// count runs one request. It counts the request before the call, so that a
// call that hangs is seen.
func (c *CountedStore) count(op Op, n int64, call func() error) error {
	o := &c.ops[op]
	o.requests.Add(1)
	err := call()
	if err != nil {
		o.errors.Add(1)
	} else {
		o.bytes.Add(n)
	}
	return err
}

// Put implements Store.
func (c *CountedStore) Put(ctx context.Context, key string, body Body) error {
	return c.count(OpPut, body.Size(), func() error { return c.inner.Put(ctx, key, body) })
}

// GetRange implements Store.
func (c *CountedStore) GetRange(ctx context.Context, key string, pos int64, p []byte) error {
	return c.count(OpGet, int64(len(p)), func() error { return c.inner.GetRange(ctx, key, pos, p) })
}

// SlotUnit implements SlotReader.
func (c *CountedStore) SlotUnit() int { return SlotUnit(c.inner) }

// GetSlots implements SlotReader: one request however many slots there are.
func (c *CountedStore) GetSlots(ctx context.Context, key string, pos int64, slots []Slot) error {
	return c.count(OpGet, int64(SlotBytes(slots)), func() error { return GetSlots(ctx, c.inner, key, pos, slots) })
}

// Head implements Store.
func (c *CountedStore) Head(ctx context.Context, key string) (info Info, err error) {
	err = c.count(OpHead, 0, func() error {
		info, err = c.inner.Head(ctx, key)
		return err
	})
	return info, err
}

// List implements Store. It is one request however many objects there are.
func (c *CountedStore) List(ctx context.Context, prefix string, fn func(Info) error) error {
	return c.count(OpList, 0, func() error { return c.inner.List(ctx, prefix, fn) })
}

// Delete implements Store.
func (c *CountedStore) Delete(ctx context.Context, key string) error {
	return c.count(OpDelete, 0, func() error { return c.inner.Delete(ctx, key) })
}

// Close closes the store inside.
func (c *CountedStore) Close() error { return c.inner.Close() }

// Unwrap is the store inside; see As.
func (c *CountedStore) Unwrap() Store { return c.inner }

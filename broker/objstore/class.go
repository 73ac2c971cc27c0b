package objstore

import "context"

// Class says for whom a request is made. When requests compete for bandwidth
// or for places in flight, a lower class goes first:
//
//	append and upload > demand read > prefetch > compaction
//
// A class travels in the context, so that no Store has to know of it; the
// wrapper that shares bandwidth out looks at it.
type Class int

// The classes, most urgent first.
const (
	ClassUpload Class = iota // producers wait for it when the cache is full
	ClassDemand              // a reader waits for it; the default
	ClassPrefetch
	ClassCompaction
	ClassCount // how many there are
)

// String is the name used in metrics and results.
func (c Class) String() string {
	return [ClassCount]string{"upload", "demand", "prefetch", "compaction"}[c]
}

type classKey struct{}

// WithClass marks the requests made with the context.
func WithClass(ctx context.Context, c Class) context.Context {
	return context.WithValue(ctx, classKey{}, c)
}

type risingKey struct{}

// WithRising makes demand reads of the requests made with the context once the
// channel is closed, those that wait somewhere included: a reader has come to
// wait for what was read ahead of it.
func WithRising(ctx context.Context, urgent <-chan struct{}) context.Context {
	return context.WithValue(ctx, risingKey{}, urgent)
}

// RisingOf is the channel of WithRising, nil without.
func RisingOf(ctx context.Context) <-chan struct{} {
	urgent, _ := ctx.Value(risingKey{}).(<-chan struct{})
	return urgent
}

// ClassOf is the class of the requests made with ctx, now.
func ClassOf(ctx context.Context) Class {
	c, ok := ctx.Value(classKey{}).(Class)
	if !ok {
		return ClassDemand
	}
	select {
	case <-RisingOf(ctx):
		return min(c, ClassDemand)
	default:
		return c
	}
}

// Pacer is asked before each piece of an object is moved, and waits until the
// n bytes may go. It returns an error only when ctx ends.
type Pacer func(ctx context.Context, n int) error

type paceKey struct{}

// WithPacer has every Store ask p before it moves a piece of an object that is
// put with the context.
func WithPacer(ctx context.Context, p Pacer) context.Context {
	return context.WithValue(ctx, paceKey{}, p)
}

// Pace is called by a Store before it moves the next n bytes of a Put, in
// pieces of at most 1 MiB where it can choose. Without a pacer it returns at
// once.
func Pace(ctx context.Context, n int) error {
	if p, ok := ctx.Value(paceKey{}).(Pacer); ok {
		return p(ctx, n)
	}
	return ctx.Err()
}

// PieceSize is the most that a Store moves after one Pace where it can choose.
const PieceSize = 1 << 20

// PaceAll paces n bytes in pieces: for stores that move them all at once.
func PaceAll(ctx context.Context, n int64) error {
	for n > PieceSize {
		if err := Pace(ctx, PieceSize); err != nil {
			return err
		}
		n -= PieceSize
	}
	return Pace(ctx, int(n))
}

package shape

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/tidelog/tide/broker/objstore"
)

// Config of a Store.
type Config struct {
	// Reads and Writes are how many requests of each kind may be in flight.
	// Defaults 32 and 8. More wait, by class.
	Reads, Writes int
	// Rate is how many bytes a second may be read, and as many written. Default
	// 0: no limit.
	Rate int64
}

func (c Config) withDefaults() Config {
	if c.Reads == 0 {
		c.Reads = 32
	}
	if c.Writes == 0 {
		c.Writes = 8
	}
	return c
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("object store: "+format, args...))
		}
	}
	check(c.Reads >= 1 && c.Reads <= 4096, "%d reads in flight: from 1 to 4096", c.Reads)
	check(c.Writes >= 1 && c.Writes <= 4096, "%d writes in flight: from 1 to 4096", c.Writes)
	check(c.Rate == 0 || c.Rate >= 64<<10, "%d bytes/s: at least 64 KiB/s, or 0 for no limit", c.Rate)
	return errors.Join(faults...)
}

// Stats counts the requests of one class since the start.
type Stats struct {
	Requests int64 // that came
	Bytes    int64 // that they asked to move
	Waits    int64 // requests that found no place in flight
	Paced    int64 // pieces that waited for bandwidth
}

// Store is an objstore.Store around another one.
type Store struct {
	inner         objstore.Store
	reads, writes *objstore.Gate
	in, out       *bucket
	classes       [objstore.ClassCount]struct{ requests, bytes, waits, paced atomic.Int64 }
}

// New wraps a store.
func New(inner objstore.Store, cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Store{
		inner: inner, reads: newGate(cfg.Reads), writes: newGate(cfg.Writes),
		in: newBucket(cfg.Rate), out: newBucket(cfg.Rate),
	}, nil
}

func newGate(places int) *objstore.Gate { return objstore.NewGate(places, spared(places)) }

// spared has prefetch and compaction leave places to those who cannot wait.
func spared(places int) objstore.Spared {
	return objstore.Spared{objstore.ClassPrefetch: places / 4, objstore.ClassCompaction: places / 2}
}

// SetReads bounds the reads in flight anew, from now on.
func (s *Store) SetReads(places int) { s.reads.Resize(places, spared(places)) }

// Reads is the state of the places for reads.
func (s *Store) Reads() objstore.GateStats { return s.reads.Stats() }

// Stats returns the counts of one class.
func (s *Store) Stats(c objstore.Class) Stats {
	k := &s.classes[c]
	return Stats{Requests: k.requests.Load(), Bytes: k.bytes.Load(), Waits: k.waits.Load(), Paced: k.paced.Load()}
}

// through makes one call with a place in flight.
func (s *Store) through(ctx context.Context, g *objstore.Gate, key string, n int64, call func(c objstore.Class) error) error {
	c := objstore.ClassOf(ctx)
	k := &s.classes[c]
	k.requests.Add(1)
	k.bytes.Add(n)
	waited, err := g.Enter(ctx)
	if waited {
		k.waits.Add(1)
	}
	if err != nil {
		return fmt.Errorf("%s: waiting for a place among the requests in flight: %w", key, err)
	}
	defer g.Leave()
	return call(c)
}

// take is one piece's wait for bandwidth.
func (s *Store) take(ctx context.Context, b *bucket, c objstore.Class, n int) error {
	waited, err := b.take(ctx, c, n)
	if waited {
		s.classes[c].paced.Add(1)
	}
	return err
}

// Put implements objstore.Store. The store inside asks before each piece, and
// asks the caller's own pacer too: first the pace, then the bandwidth, so that
// none is held while waiting for the other.
func (s *Store) Put(ctx context.Context, key string, body objstore.Body) error {
	return s.through(ctx, s.writes, key, body.Size(), func(c objstore.Class) error {
		paced := objstore.WithPacer(ctx, func(pctx context.Context, n int) error {
			if err := objstore.Pace(ctx, n); err != nil {
				return err
			}
			return s.take(pctx, s.out, c, n)
		})
		return s.inner.Put(paced, key, body)
	})
}

// GetRange implements objstore.Store.
func (s *Store) GetRange(ctx context.Context, key string, pos int64, p []byte) error {
	return s.get(ctx, key, len(p), func() error { return s.inner.GetRange(ctx, key, pos, p) })
}

// SlotUnit implements objstore.SlotReader.
func (s *Store) SlotUnit() int { return objstore.SlotUnit(s.inner) }

// GetSlots implements objstore.SlotReader: one place in flight however many
// slots there are.
func (s *Store) GetSlots(ctx context.Context, key string, pos int64, slots []objstore.Slot) error {
	return s.get(ctx, key, objstore.SlotBytes(slots), func() error { return objstore.GetSlots(ctx, s.inner, key, pos, slots) })
}

// get reads n bytes.
func (s *Store) get(ctx context.Context, key string, n int, call func() error) error {
	return s.through(ctx, s.reads, key, int64(n), func(c objstore.Class) error {
		for left := n; left > 0; left -= objstore.PieceSize {
			if err := s.take(ctx, s.in, c, min(left, objstore.PieceSize)); err != nil {
				return fmt.Errorf("%s: waiting for bandwidth: %w", key, err)
			}
		}
		return call()
	})
}

// Head implements objstore.Store.
func (s *Store) Head(ctx context.Context, key string) (info objstore.Info, err error) {
	err = s.through(ctx, s.reads, key, 0, func(objstore.Class) error {
		info, err = s.inner.Head(ctx, key)
		return err
	})
	return info, err
}

// List implements objstore.Store. Its place is for the whole walk.
func (s *Store) List(ctx context.Context, prefix string, fn func(objstore.Info) error) error {
	return s.through(ctx, s.reads, prefix, 0, func(objstore.Class) error { return s.inner.List(ctx, prefix, fn) })
}

// Delete implements objstore.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	return s.through(ctx, s.writes, key, 0, func(objstore.Class) error { return s.inner.Delete(ctx, key) })
}

// Close closes the store inside.
func (s *Store) Close() error { return s.inner.Close() }

// Unwrap is the store that is shared out.
func (s *Store) Unwrap() objstore.Store { return s.inner }

package model

import (
	"context"
	"fmt"
	"time"

	"github.com/tidelog/tide/broker/objstore"
)

// check is done first by every call on an object.
func (s *Store) check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return objstore.CheckKey(key)
}

// Put implements objstore.Store.
func (s *Store) Put(ctx context.Context, key string, body objstore.Body) error {
	if err := s.check(ctx, key); err != nil {
		return err
	}
	if body.Size() > s.cfg.Part {
		return s.putParts(ctx, key, body)
	}
	return s.request(ctx, opPut, key, body.Size(), 0, func() error { return s.inner.Put(ctx, key, body) })
}

// GetRange implements objstore.Store.
func (s *Store) GetRange(ctx context.Context, key string, pos int64, p []byte) error {
	if err := s.check(ctx, key); err != nil {
		return err
	}
	return s.request(ctx, opGet, key, 0, int64(len(p)), func() error { return s.inner.GetRange(ctx, key, pos, p) })
}

// SlotUnit implements objstore.SlotReader.
func (s *Store) SlotUnit() int { return objstore.SlotUnit(s.inner) }

// GetSlots implements objstore.SlotReader.
func (s *Store) GetSlots(ctx context.Context, key string, pos int64, slots []objstore.Slot) error {
	if err := s.check(ctx, key); err != nil {
		return err
	}
	return s.request(ctx, opGet, key, 0, int64(objstore.SlotBytes(slots)), func() error {
		return objstore.GetSlots(ctx, s.inner, key, pos, slots)
	})
}

// Head implements objstore.Store.
func (s *Store) Head(ctx context.Context, key string) (info objstore.Info, err error) {
	if err := s.check(ctx, key); err != nil {
		return objstore.Info{}, err
	}
	err = s.request(ctx, opHead, key, 0, 0, func() error {
		info, err = s.inner.Head(ctx, key)
		return err
	})
	return info, err
}

// perPage is how many objects one request lists.
const perPage = 1000

// List implements objstore.Store. Each page is a request.
func (s *Store) List(ctx context.Context, prefix string, fn func(objstore.Info) error) error {
	page := func() error { return s.request(ctx, opList, prefix, 0, 0, nothing) }
	if err := page(); err != nil {
		return err
	}
	n := 0
	return s.inner.List(ctx, prefix, func(i objstore.Info) error {
		if n++; n%perPage == 0 {
			if err := page(); err != nil {
				return err
			}
		}
		return fn(i)
	})
}

// Delete implements objstore.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.check(ctx, key); err != nil {
		return err
	}
	return s.request(ctx, opDelete, key, 0, 0, func() error { return s.inner.Delete(ctx, key) })
}

// Close ends calls that wait for modelled time, and closes the store inside.
func (s *Store) Close() error {
	s.end()
	return s.inner.Close()
}

// Clock is how a store lets modelled time pass.
type Clock interface {
	// Now is the time since some beginning; it never runs backwards.
	Now() time.Duration
	// Sleep returns at the given time, or with ctx's cause when that ends.
	Sleep(ctx context.Context, until time.Duration) error
}

// timerClock goes by package time: exact, and free of cost, inside of
// testing/synctest.
type timerClock struct{ start time.Time }

// NewClock returns the clock of package time.
func NewClock() Clock { return timerClock{time.Now()} }

// Now is part of Clock.
func (c timerClock) Now() time.Duration { return time.Since(c.start) }

// Sleep is part of Clock.
func (c timerClock) Sleep(ctx context.Context, until time.Duration) error {
	timer := time.NewTimer(until - c.Now())
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

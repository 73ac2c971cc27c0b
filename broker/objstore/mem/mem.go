// Package mem keeps objects in the memory of the process: for tests, for the
// simulator, and as the base line that a real store is compared with. Nothing
// survives the process.
package mem

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tidelog/tide/broker/objstore"
)

// Store is an objstore.Store in memory.
type Store struct {
	mu      sync.RWMutex
	closed  bool
	objects map[string][]byte // the bytes are never changed once they are here
}

// New returns an empty store.
func New() *Store { return &Store{objects: make(map[string][]byte)} }

// check is done first by every call.
func (s *Store) check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return objstore.CheckKey(key)
}

// Put copies the object.
func (s *Store) Put(ctx context.Context, key string, body objstore.Body) error {
	if err := s.check(ctx, key); err != nil {
		return err
	}
	if err := objstore.PaceAll(ctx, body.Size()); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	all := make([]byte, 0, body.Size())
	for _, p := range body {
		all = append(all, p...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("%s: %w", key, objstore.ErrClosed)
	}
	if old, ok := s.objects[key]; ok && string(old) != string(all) {
		return fmt.Errorf("%s: %w", key, objstore.ErrExists)
	}
	s.objects[key] = all
	return nil
}

func (s *Store) object(ctx context.Context, key string) ([]byte, error) {
	if err := s.check(ctx, key); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, fmt.Errorf("%s: %w", key, objstore.ErrClosed)
	}
	all, ok := s.objects[key]
	if !ok {
		return nil, fmt.Errorf("%s: %w", key, objstore.ErrNotFound)
	}
	return all, nil
}

// GetRange copies the range into p.
func (s *Store) GetRange(ctx context.Context, key string, pos int64, p []byte) error {
	all, err := s.object(ctx, key)
	if err != nil {
		return err
	}
	if err := objstore.CheckRange(key, int64(len(all)), pos, len(p)); err != nil {
		return err
	}
	copy(p, all[pos:])
	return nil
}

// Head returns the object's size.
func (s *Store) Head(ctx context.Context, key string) (objstore.Info, error) {
	all, err := s.object(ctx, key)
	if err != nil {
		return objstore.Info{}, err
	}
	return objstore.Info{Key: key, Size: int64(len(all))}, nil
}

// List walks what was there when it was called, with no lock held in fn.
func (s *Store) List(ctx context.Context, prefix string, fn func(objstore.Info) error) error {
	s.mu.RLock()
	closed, all := s.closed, maps.Clone(s.objects)
	s.mu.RUnlock()
	if closed {
		return fmt.Errorf("list %q: %w", prefix, objstore.ErrClosed)
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("list %q: %w", prefix, err)
		}
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		if err := fn(objstore.Info{Key: key, Size: int64(len(all[key]))}); err != nil {
			return err
		}
	}
	return nil
}

// Delete forgets the object.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.check(ctx, key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("%s: %w", key, objstore.ErrClosed)
	}
	delete(s.objects, key)
	return nil
}

// Close refuses all later calls.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

package fault

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/tidelog/tide/broker/objstore"
)

// Put implements objstore.Store. A Put that a crash overtakes returns
// ErrCrashed; what became of its object is for Crash to say.
func (s *Store) Put(ctx context.Context, key string, body objstore.Body) error {
	p := &put{key: key, body: body}
	if !s.enter(p) {
		return fmt.Errorf("put %s: %w", key, ErrCrashed)
	}
	_, err := s.run(ctx, objstore.OpPut, key, func() error { return s.inner.Put(ctx, key, body) })
	if !s.leave(p, err) {
		return fmt.Errorf("put %s: %w", key, ErrCrashed)
	}
	return err
}

// enter notes a Put in flight, unless there was a crash.
func (s *Store) enter(p *put) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.crashed:
		return false
	default:
	}
	s.inflight[p] = struct{}{}
	s.calls.Add(1)
	return true
}

// leave reports whether the Put ended, with err, before a crash.
func (s *Store) leave(p *put, err error) bool {
	defer s.calls.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.crashed:
		return false // it stays in flight: Crash decides about it
	default:
		delete(s.inflight, p)
		if err == nil {
			s.returned[p.key] = struct{}{}
		}
		return true
	}
}

// Crash ends the store for its users: calls in flight and later ones return
// ErrCrashed. An object whose Put had returned is in the inner store; one
// whose Put had not is there, whole, if keep says so, and else is not. The
// bodies of such Puts must still be what they were. The inner store can be
// given to the next life when Crash has returned.
func (s *Store) Crash(keep func(key string) bool) error {
	s.mu.Lock()
	close(s.crashed)
	inflight := make([]*put, 0, len(s.inflight))
	for p := range s.inflight {
		// The caller may reuse its bytes as soon as its Put returns.
		p.body = objstore.Body{bytes.Join(p.body, nil)}
		inflight = append(inflight, p)
	}
	s.mu.Unlock()
	s.calls.Wait()
	var err error
	for _, p := range inflight {
		if keep(p.key) {
			err = errors.Join(err, s.inner.Put(context.Background(), p.key, p.body))
		} else if _, durable := s.returned[p.key]; !durable { // this one was only a repetition
			err = errors.Join(err, s.inner.Delete(context.Background(), p.key))
		}
	}
	return err
}

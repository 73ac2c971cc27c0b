// Package fault wraps a store and makes it fail on command: errors before or
// after the call was carried out, latency, calls that hang, bytes that are
// wrong or cut off, and the crash of the process with Puts in flight.
//
//	s := fault.Wrap(mem.New())
//	s.Set(fault.Rule{Op: objstore.OpPut, From: 2, Count: 3, Err: fault.ErrInjected, After: true})
//
// makes the second, third and fourth Put from now on store their object and
// then fail, the case in which the caller cannot know.
package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tidelog/tide/broker/objstore"
)

// Errors that the wrapper brings.
var (
	// ErrInjected is for rules that need no particular error.
	ErrInjected = errors.New("injected fault")
	// ErrCrashed: the process is dead as far as this store is concerned.
	ErrCrashed = errors.New("crashed")
)

// Rule says which calls fail and how. Steps happen in the order of the fields:
// a call is delayed, then hangs, then is carried out or not, then fails.
type Rule struct {
	Op    objstore.Op
	Match func(key string) bool // only these keys are counted and hit; nil is all (List: its prefix)
	From  int                   // the first call that is hit, counted from 1 since the rule was set; 0 is 1
	Count int                   // how many are hit; 0 is all

	Latency time.Duration // the call is delayed by this
	Hang    bool          // the call does not go on until its context ends or Clear is called
	After   bool          // the call is carried out although it fails then
	Err     error         // the call fails with this; nil: it succeeds
	Flip    bool          // GetRange: one bit of what was read is wrong
	Cut     bool          // GetRange: only the first half is read, then it fails with ErrUnexpectedEOF
}

// Store is an objstore.Store with faults.
type Store struct {
	inner objstore.Store

	mu       sync.Mutex
	rules    []*activeRule
	cleared  chan struct{} // closed by Clear, and replaced
	crashed  chan struct{} // closed by Crash
	inflight map[*put]struct{}
	returned map[string]struct{} // keys whose Put has succeeded: no crash takes them away
	calls    sync.WaitGroup      // Puts inside of the inner store
}

type activeRule struct {
	Rule
	seen int
}

// put is a Put that has not returned.
type put struct {
	key  string
	body objstore.Body
}

// Wrap returns the store without any fault.
func Wrap(s objstore.Store) *Store {
	return &Store{
		inner: s, cleared: make(chan struct{}), crashed: make(chan struct{}),
		inflight: make(map[*put]struct{}), returned: make(map[string]struct{}),
	}
}

// Set adds a rule. Where several hit one call, the one set first counts.
func (s *Store) Set(r Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, &activeRule{Rule: r})
}

// SetAll adds a rule for every operation: a store that is dead
// (Err: ErrInjected), silent (Hang), slow (Latency) or overloaded
// (Err: objstore.ErrThrottled).
func (s *Store) SetAll(r Rule) {
	for _, r.Op = range objstore.Ops {
		s.Set(r)
	}
}

// Clear removes all rules and lets calls that hang go on as if there had been
// none.
func (s *Store) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
	close(s.cleared)
	s.cleared = make(chan struct{})
}

// hit finds the rule for a call and counts the call in every rule that knows
// its operation and key.
func (s *Store) hit(op objstore.Op, key string) (Rule, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found Rule
	some := false
	for _, r := range s.rules {
		if r.Op != op || (r.Match != nil && !r.Match(key)) {
			continue
		}
		r.seen++
		first := max(r.From, 1)
		if !some && r.seen >= first && (r.Count == 0 || r.seen < first+r.Count) {
			found, some = r.Rule, true
		}
	}
	return found, s.cleared
}

// run carries a call out under the rule that hits it, if one does.
func (s *Store) run(ctx context.Context, op objstore.Op, key string, call func() error) (Rule, error) {
	r, cleared := s.hit(op, key)
	if err := s.hold(ctx, r, cleared); err != nil {
		return r, fmt.Errorf("%s %s: %w", op, key, err)
	}
	if r.Err != nil && !r.After {
		return r, fmt.Errorf("%s %s: %w", op, key, r.Err)
	}
	if err := call(); err != nil {
		return r, err
	}
	if r.Err != nil {
		return r, fmt.Errorf("%s %s, carried out: %w", op, key, r.Err)
	}
	return r, nil
}

// hold delays the call and lets it hang.
func (s *Store) hold(ctx context.Context, r Rule, cleared <-chan struct{}) error {
	select {
	case <-s.crashed:
		return ErrCrashed
	default:
	}
	if r.Latency > 0 {
		timer := time.NewTimer(r.Latency)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.crashed:
			return ErrCrashed
		}
	}
	if !r.Hang {
		return nil
	}
	select {
	case <-cleared:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.crashed:
		return ErrCrashed
	}
}

// GetRange implements objstore.Store.
func (s *Store) GetRange(ctx context.Context, key string, pos int64, p []byte) error {
	r, err := s.run(ctx, objstore.OpGet, key, func() error { return s.inner.GetRange(ctx, key, pos, p) })
	switch {
	case err != nil || len(p) == 0:
		return err
	case r.Cut:
		clear(p[len(p)/2:])
		return fmt.Errorf("%s %s: body: %w", objstore.OpGet, key, io.ErrUnexpectedEOF)
	case r.Flip:
		p[len(p)/2] ^= 1
	}
	return nil
}

// Head implements objstore.Store.
func (s *Store) Head(ctx context.Context, key string) (info objstore.Info, err error) {
	_, err = s.run(ctx, objstore.OpHead, key, func() error {
		info, err = s.inner.Head(ctx, key)
		return err
	})
	return info, err
}

// List implements objstore.Store.
func (s *Store) List(ctx context.Context, prefix string, fn func(objstore.Info) error) error {
	_, err := s.run(ctx, objstore.OpList, prefix, func() error { return s.inner.List(ctx, prefix, fn) })
	return err
}

// Delete implements objstore.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	_, err := s.run(ctx, objstore.OpDelete, key, func() error { return s.inner.Delete(ctx, key) })
	return err
}

// Close closes the store inside. After a Crash that store is somebody else's
// and stays open.
func (s *Store) Close() error {
	select {
	case <-s.crashed:
		return nil
	default:
		return s.inner.Close()
	}
}

// Unwrap is the store inside; see objstore.As.
func (s *Store) Unwrap() objstore.Store { return s.inner }

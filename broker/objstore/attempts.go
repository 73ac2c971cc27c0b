package objstore

import (
	"sync"
	"sync/atomic"
)

// AttemptStats counts what really went to a store for one kind of request.
// CountedStore counts calls; a store that cuts a call into parts or repeats it
// counts here.
type AttemptStats struct {
	Op        string // in the store's own words: put, part, get …
	Attempts  int64  // requests sent or tried, the first of a call and every repetition
	Retries   int64  // of them, repetitions
	Throttles int64  // of them, answered 503 or 429
}

// Attempter is a Store that counts its attempts.
type Attempter interface {
	// AttemptStats may be called at any time; the order of operations is fixed.
	AttemptStats() []AttemptStats
}

// Simulated is a Store that stands in for another. Every result made with it
// must say so.
type Simulated interface {
	// Simulated describes what is modelled, with its guesses.
	Simulated() string
}

// wrapper is a Store around another.
type wrapper interface{ Unwrap() Store }

// As finds the first store that is a T, from the outermost wrapper inwards.
func As[T any](s Store) (found T, ok bool) {
	for s != nil {
		if found, ok = s.(T); ok {
			return found, true
		}
		w, wraps := s.(wrapper)
		if !wraps {
			break
		}
		s = w.Unwrap()
	}
	return found, false
}

// Attempts counts one kind of request. The zero value is ready.
type Attempts struct{ attempts, retries, throttles atomic.Int64 }

// Add counts an attempt.
func (a *Attempts) Add(retry bool) {
	a.attempts.Add(1)
	if retry {
		a.retries.Add(1)
	}
}

// Throttled says that an attempt was answered with "slow down".
func (a *Attempts) Throttled() { a.throttles.Add(1) }

// Stats returns the counts under a name.
func (a *Attempts) Stats(op string) AttemptStats {
	return AttemptStats{Op: op, Attempts: a.attempts.Load(), Retries: a.retries.Load(), Throttles: a.throttles.Load()}
}

// Calls counts calls in flight, so that a Close can turn later ones away and
// wait for the rest.
type Calls struct {
	mu     sync.RWMutex
	closed bool // guarded by mu
	wg     sync.WaitGroup
}

// Begin notes a call; false when Close was there before.
func (c *Calls) Begin() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return false
	}
	c.wg.Add(1)
	return true
}

// End is due once for each Begin that was true.
func (c *Calls) End() { c.wg.Done() }

// Close refuses later calls; true the first time.
func (c *Calls) Close() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := !c.closed
	c.closed = true
	return first
}

// Wait returns when no call is in flight any more. It comes after Close.
func (c *Calls) Wait() { c.wg.Wait() }

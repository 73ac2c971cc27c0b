package stream

import "sync"

// Waiter is signalled when the durable end of a stream that it watches
// advances. One Waiter may watch many streams: a fetch that waits for any of
// its partitions uses one. The signal carries nothing: the waiter looks again.
type Waiter struct {
	C chan struct{} // capacity 1; a full channel means that a signal is due
}

// NewWaiter returns a Waiter that watches nothing yet.
func NewWaiter() *Waiter { return &Waiter{C: make(chan struct{}, 1)} }

// Signal wakes the waiter, or leaves a signal for it. It never blocks.
func (w *Waiter) Signal() {
	select {
	case w.C <- struct{}{}:
	default:
	}
}

// waiters is the set of those who watch one stream.
type waiters struct {
	mu  sync.Mutex
	set map[*Waiter]struct{} // guarded by mu; nil until the first one
}

func (s *waiters) add(w *Waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == nil {
		s.set = make(map[*Waiter]struct{})
	}
	s.set[w] = struct{}{}
}

func (s *waiters) remove(w *Waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.set, w)
}

func (s *waiters) signal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.set {
		w.Signal()
	}
}

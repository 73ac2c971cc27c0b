package stream

import "sync"

// Waiter is signalled when the durable end of a stream that it watches
// advances, when its start does, and when the stream is closed. One Waiter may
// watch many streams: a fetch that waits for any of its partitions uses one.
// The signal carries nothing: the waiter looks again. Whoever watches so many
// that looking at all of them is dear gives each a Waiter of a Group.
type Waiter struct {
	C chan struct{} // capacity 1; a full channel means that a signal is due

	// Of is what the owner of a Group knows the Waiter by; never touched here.
	Of any

	group  *Group // nil: the Waiter stands alone
	listed bool   // guarded by group.mu; it is in group.signalled
}

// NewWaiter returns a Waiter that watches nothing yet.
func NewWaiter() *Waiter { return &Waiter{C: make(chan struct{}, 1)} }

// Signal wakes the waiter, or leaves a signal for it. It never blocks.
func (w *Waiter) Signal() {
	if w.group != nil && !w.group.list(w) {
		return
	}
	select {
	case w.C <- struct{}{}:
	default:
	}
}

// Group gathers which of its Waiters were signalled, so that whoever watches
// ten thousand streams looks only at those where something happened.
//
//	stream: end advances → Signal → listed? ── yes ─▶ nothing to do
//	                                   └ no ─▶ list, then wake through C
//	owner:  Take (nothing is listed any more) → look at their streams → wait on C
//
// No wake-up is lost. What a signal is about happens before it. A Waiter that
// is listed already will be taken later, and its stream looked at after that;
// one that is not is listed first and the channel filled then, so that an owner
// who took nothing, and waits, is woken.
type Group struct {
	c chan struct{} // of all its Waiters

	mu        sync.Mutex
	signalled []*Waiter // guarded by mu; each once
	taken     []*Waiter // the owner's: what the last Take returned
}

// NewGroup returns a Group whose Waiters wake through w's channel.
func NewGroup(w *Waiter) *Group { return &Group{c: w.C} }

// Init makes w, which watches nothing yet, a Waiter of the group. There is no
// way out; when w watches nothing any more, it is not signalled any more.
func (g *Group) Init(w *Waiter, of any) { *w = Waiter{C: g.c, Of: of, group: g} }

// Take returns the Waiters that were signalled since the last Take, in the
// order of their first signal. The slice is good until the next Take. Only the
// owner calls it.
func (g *Group) Take() []*Waiter {
	clear(g.taken)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.signalled, g.taken = g.taken[:0], g.signalled
	for _, w := range g.taken {
		w.listed = false
	}
	return g.taken
}

// list adds w to what was signalled; false: it is there.
func (g *Group) list(w *Waiter) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.listed {
		return false
	}
	w.listed = true
	g.signalled = append(g.signalled, w)
	return true
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

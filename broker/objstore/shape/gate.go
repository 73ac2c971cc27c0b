package shape

import (
	"context"
	"slices"
	"sync"

	"github.com/tidelog/tide/broker/objstore"
)

// line is who waits: a FIFO for each class. It does not lock.
type line[T any] struct {
	queues [objstore.ClassCount][]*waiter[T]
}

type waiter[T any] struct {
	what T
	turn chan struct{} // closed when its turn has come
}

// join adds a waiter at the end of its class.
func (l *line[T]) join(c objstore.Class, what T) *waiter[T] {
	w := &waiter[T]{what: what, turn: make(chan struct{})}
	l.queues[c] = append(l.queues[c], w)
	return w
}

// leave takes a waiter out whose patience has ended; false: its turn came first.
func (l *line[T]) leave(c objstore.Class, w *waiter[T]) bool {
	i := slices.Index(l.queues[c], w)
	if i < 0 {
		return false
	}
	l.queues[c] = slices.Delete(l.queues[c], i, i+1)
	return true
}

// first is the one to serve next: the longest waiting of the most urgent class.
func (l *line[T]) first() (objstore.Class, *waiter[T]) {
	for c := range l.queues {
		if len(l.queues[c]) > 0 {
			return objstore.Class(c), l.queues[c][0]
		}
	}
	return 0, nil
}

// shift serves the first waiter of a class.
func (l *line[T]) shift(c objstore.Class) {
	w := l.queues[c][0]
	l.queues[c][0] = nil
	l.queues[c] = l.queues[c][1:]
	close(w.turn)
}

// gate bounds the requests in flight.
type gate struct {
	size int

	mu     sync.Mutex
	inside int            // guarded by mu
	line   line[struct{}] // guarded by mu
}

// spared is how many of a gate's places a class leaves to more urgent ones.
func (g *gate) spared(c objstore.Class) int {
	switch c {
	case objstore.ClassPrefetch:
		return g.size / 4
	case objstore.ClassCompaction:
		return g.size / 2
	}
	return 0
}

// free reports whether the class may take a place now. Called with mu held.
func (g *gate) free(c objstore.Class) bool { return g.size-g.inside > g.spared(c) }

// enter takes a place. It waits while there is none, and reports whether it did.
func (g *gate) enter(ctx context.Context, c objstore.Class) (waited bool, err error) {
	g.mu.Lock()
	if first, w := g.line.first(); g.free(c) && (w == nil || c < first || !g.free(first)) {
		g.inside++
		g.mu.Unlock()
		return false, nil
	}
	w := g.line.join(c, struct{}{})
	g.mu.Unlock()
	select {
	case <-w.turn:
		return true, nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	left := g.line.leave(c, w)
	g.mu.Unlock()
	if !left { // a place came at the same moment: somebody else may have it
		g.exit()
	}
	return true, context.Cause(ctx)
}

// exit gives a place back, and it goes to who is next.
func (g *gate) exit() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	// The most urgent class that waits spares the fewest places: when it may not
	// go in, nobody behind it may.
	for c, w := g.line.first(); w != nil && g.free(c); c, w = g.line.first() {
		g.inside++
		g.line.shift(c)
	}
}

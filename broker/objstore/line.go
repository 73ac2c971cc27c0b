package objstore

import "slices"

// Line is who waits for something: a FIFO for each Class. It does not lock.
type Line[T any] struct {
	queues [ClassCount][]*Waiter[T]
}

// Waiter is one who waits, for What.
type Waiter[T any] struct {
	What T
	turn chan struct{}
}

// Turn is closed when the waiter is served.
func (w *Waiter[T]) Turn() <-chan struct{} { return w.turn }

// Join adds a waiter at the end of its class.
func (l *Line[T]) Join(c Class, what T) *Waiter[T] {
	w := &Waiter[T]{What: what, turn: make(chan struct{})}
	l.queues[c] = append(l.queues[c], w)
	return w
}

// Leave takes a waiter out whose patience has ended; false: its turn came first.
func (l *Line[T]) Leave(c Class, w *Waiter[T]) bool {
	i := slices.Index(l.queues[c], w)
	if i < 0 {
		return false
	}
	l.queues[c] = slices.Delete(l.queues[c], i, i+1)
	return true
}

// Rise moves a waiter to the end of the demand reads, unless its turn has come
// or it is as urgent, and returns what it is now.
func (l *Line[T]) Rise(c Class, w *Waiter[T]) (Class, *Waiter[T]) {
	if c <= ClassDemand || !l.Leave(c, w) {
		return c, w
	}
	return ClassDemand, l.Join(ClassDemand, w.What)
}

// First is the one to serve next: the longest waiting of the most urgent class.
func (l *Line[T]) First() (Class, *Waiter[T]) {
	for c := range l.queues {
		if len(l.queues[c]) > 0 {
			return Class(c), l.queues[c][0]
		}
	}
	return 0, nil
}

// Shift serves the first waiter of a class.
func (l *Line[T]) Shift(c Class) {
	w := l.queues[c][0]
	l.queues[c][0] = nil
	l.queues[c] = l.queues[c][1:]
	close(w.turn)
}

// Len is how many wait.
func (l *Line[T]) Len() int {
	n := 0
	for c := range l.queues {
		n += len(l.queues[c])
	}
	return n
}

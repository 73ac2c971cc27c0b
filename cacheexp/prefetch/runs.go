package prefetch

import (
	"container/list"
	"math"
)

// runs keeps a prefetcher's state of each reader, of a bounded number of them:
// readers that went away cost nothing.
type runs[S any] struct {
	limit   int
	dropped func(*S) // told of each state that is forgotten; nil: nobody
	byID    map[Reader]*list.Element
	order   *list.List // of *run[S], the one not touched longest first
}

type run[S any] struct {
	reader Reader
	state  S
}

func newRuns[S any](limit int) *runs[S] {
	return &runs[S]{limit: limit, byID: make(map[Reader]*list.Element), order: list.New()}
}

// touch finds or makes the reader's state and makes it the newest. At the limit
// the oldest is taken over. fresh tells that the state is new and zero.
func (r *runs[S]) touch(id Reader) (state *S, fresh bool) {
	if e := r.byID[id]; e != nil {
		r.order.MoveToBack(e)
		return &e.Value.(*run[S]).state, false
	}
	var e *list.Element
	if r.order.Len() < r.limit {
		e = r.order.PushBack(&run[S]{reader: id})
	} else {
		e = r.order.Front()
		old := e.Value.(*run[S])
		r.drop(old)
		*old = run[S]{reader: id}
		r.order.MoveToBack(e)
	}
	r.byID[id] = e
	return &e.Value.(*run[S]).state, true
}

// forget drops the stalest readers as long as gone says so.
func (r *runs[S]) forget(gone func(*S) bool) {
	for e := r.order.Front(); e != nil && gone(&e.Value.(*run[S]).state); e = r.order.Front() {
		r.drop(e.Value.(*run[S]))
		r.order.Remove(e)
	}
}

func (r *runs[S]) drop(old *run[S]) {
	delete(r.byID, old.reader)
	if r.dropped != nil {
		r.dropped(&old.state)
	}
}

// share is the most that one piece of one reader may have, in bytes: two pieces
// of each reader that is about must find room. A room of 0 has no bound.
func (r *runs[S]) share(room int64, gone func(*S) bool) int64 {
	if room == 0 {
		return math.MaxInt64
	}
	r.forget(gone)
	return max(room/2/int64(r.len()), 1)
}

func (r *runs[S]) len() int { return r.order.Len() }

package objstore

import (
	"context"
	"slices"
	"sync"
)

// Gate bounds the requests in flight. When all places are taken, those who
// wait are let in by Class, the most urgent first, and by arrival within one:
// no number of prefetches can keep a reader outside for longer than one of
// them takes.
type Gate struct {
	places int

	mu      sync.Mutex
	free    int                         // guarded by mu
	waiting [ClassCount][]chan struct{} // by arrival; a closed channel holds a place; guarded by mu
	waits   int64                       // guarded by mu
}

// GateStats is the state of a Gate.
type GateStats struct {
	Places  int   // in all
	InUse   int   // now
	Waiting int   // now
	Waits   int64 // times that somebody had to wait
}

// NewGate returns a gate with so many places, at least one.
func NewGate(places int) *Gate {
	places = max(places, 1)
	return &Gate{places: places, free: places}
}

// Enter waits for a place, by the class of ctx. Leave gives it back; after an
// error, which is that of ctx, there is none.
func (g *Gate) Enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	class := ClassOf(ctx)
	g.mu.Lock()
	if g.free > 0 { // nobody waits then
		g.free--
		g.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	g.waiting[class] = append(g.waiting[class], mine)
	g.waits++
	g.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
		g.giveUp(class, mine)
		return context.Cause(ctx)
	}
}

// giveUp stops waiting. A place that came at the same moment goes on to the
// next.
func (g *Gate) giveUp(class Class, mine chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting[class], mine); i >= 0 {
		g.waiting[class] = slices.Delete(g.waiting[class], i, i+1)
		return
	}
	g.leave()
}

// Leave gives a place back.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leave()
}

// leave hands the place to the most urgent who waits. The caller holds mu.
func (g *Gate) leave() {
	for class, queue := range g.waiting {
		if len(queue) > 0 {
			close(queue[0])
			g.waiting[class] = slices.Delete(queue, 0, 1)
			return
		}
	}
	g.free++
}

// Stats may be called at any time.
func (g *Gate) Stats() GateStats {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := GateStats{Places: g.places, InUse: g.places - g.free, Waits: g.waits}
	for _, queue := range g.waiting {
		s.Waiting += len(queue)
	}
	return s
}

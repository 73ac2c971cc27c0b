package objstore

import (
	"context"
	"sync"
)

// Gate bounds the requests in flight:
//
//	places   │ in use │ free │ spared │
//	         0                        all
//
// Those who find no place wait, and are let in by Class, the most urgent first,
// and by arrival within one. A request in flight cannot be called back, so a
// class may have to leave some places free for more urgent ones (Spared): then
// no number of its requests keeps those outside.
type Gate struct {
	mu     sync.Mutex
	places int            // guarded by mu
	spared Spared         // guarded by mu
	inUse  int            // guarded by mu
	line   Line[struct{}] // guarded by mu
	waits  int64          // guarded by mu
}

// Spared is how many places each class leaves free. A class spares no fewer
// than the ones before it.
type Spared [ClassCount]int

// GateStats is the state of a Gate.
type GateStats struct {
	Places  int   // in all
	InUse   int   // now
	Waiting int   // now
	Waits   int64 // times that somebody had to wait
}

// NewGate returns a gate with so many places, at least one, of which every
// class may take at least one.
func NewGate(places int, spared Spared) *Gate {
	g := &Gate{}
	g.resize(places, spared)
	return g
}

// Resize changes the number of places. Who is inside stays; with fewer places
// nobody comes in until enough have left.
func (g *Gate) Resize(places int, spared Spared) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.resize(places, spared)
	g.admit()
}

// resize sets the bounds. The caller holds mu, or nobody else has the gate.
func (g *Gate) resize(places int, spared Spared) {
	g.places = max(places, 1)
	for c := range spared {
		g.spared[c] = min(spared[c], g.places-1)
	}
}

// Enter waits for a place, by the class of ctx, and reports whether it had to
// wait. Leave gives the place back; after an error, which is that of ctx, there
// is none.
func (g *Gate) Enter(ctx context.Context) (waited bool, err error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	c := ClassOf(ctx)
	g.mu.Lock()
	if g.free(c) { // whoever waits is less urgent then, or would have gone in
		g.inUse++
		g.mu.Unlock()
		return false, nil
	}
	w := g.line.Join(c, struct{}{})
	g.waits++
	g.mu.Unlock()
	for rising := RisingOf(ctx); ; {
		select {
		case <-w.Turn():
			return true, nil
		case <-rising:
			rising = nil
			c, w = g.rise(c, w)
		case <-ctx.Done():
			g.giveUp(c, w)
			return true, context.Cause(ctx)
		}
	}
}

// rise lines a waiter up among the demand reads.
func (g *Gate) rise(c Class, w *Waiter[struct{}]) (Class, *Waiter[struct{}]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, w = g.line.Rise(c, w)
	g.admit()
	return c, w
}

// giveUp stops waiting. A place that came at the same moment goes on to the
// next.
func (g *Gate) giveUp(c Class, w *Waiter[struct{}]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.line.Leave(c, w) {
		g.leave()
	}
}

// Leave gives a place back.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leave()
}

// leave gives a place back. The caller holds mu.
func (g *Gate) leave() {
	g.inUse--
	g.admit()
}

// admit lets in whoever may now. The caller holds mu.
func (g *Gate) admit() {
	// The most urgent class that waits spares the fewest places: when it may not
	// go in, nobody behind it may.
	for c, w := g.line.First(); w != nil && g.free(c); c, w = g.line.First() {
		g.inUse++
		g.line.Shift(c)
	}
}

// free reports whether the class may take a place. The caller holds mu.
func (g *Gate) free(c Class) bool { return g.places-g.inUse > g.spared[c] }

// Stats may be called at any time.
func (g *Gate) Stats() GateStats {
	g.mu.Lock()
	defer g.mu.Unlock()
	return GateStats{Places: g.places, InUse: g.inUse, Waiting: g.line.Len(), Waits: g.waits}
}

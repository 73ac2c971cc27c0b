package load

import (
	"context"
	"sync"
)

// gate holds readers back while it is shut. The zero value is open.
type gate struct {
	mu     sync.Mutex
	opened chan struct{} // guarded by mu: nil when it is open; closed when it opens
}

// Pause has these readers ask for nothing more; what they have asked for still
// comes in. In a group they keep their partitions.
func (r *Readers) Pause() {
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	if r.gate.opened == nil {
		r.gate.opened = make(chan struct{})
	}
}

// Paused says whether they are.
func (r *Readers) Paused() bool {
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	return r.gate.opened != nil
}

// Resume ends a Pause.
func (r *Readers) Resume() {
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	if r.gate.opened != nil {
		close(r.gate.opened)
		r.gate.opened = nil
	}
}

// pass waits until the gate is open, or ctx ends.
func (g *gate) pass(ctx context.Context) {
	g.mu.Lock()
	opened := g.opened
	g.mu.Unlock()
	if opened == nil {
		return
	}
	select {
	case <-opened:
	case <-ctx.Done():
	}
}

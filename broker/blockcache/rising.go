package blockcache

import (
	"context"

	"github.com/tidelog/tide/broker/objstore"
)

// rising lets a load ahead of readers become a reader's: the first reader that
// has to wait for what it brings makes its request a demand read, wherever in
// the store it waits for its turn. Else a reader whose block is on its way would
// wait longer than one whose block nobody had thought of.
type rising struct {
	urgent chan struct{}
	risen  bool // guarded by cache.mu
}

func newRising() *rising { return &rising{urgent: make(chan struct{})} }

// of is the context of the load.
func (r *rising) of(ctx context.Context) context.Context {
	return objstore.WithRising(ctx, r.urgent)
}

// rise is called with the cache's lock held. On nil it does nothing.
func (r *rising) rise() {
	if r != nil && !r.risen {
		r.risen = true
		close(r.urgent)
	}
}

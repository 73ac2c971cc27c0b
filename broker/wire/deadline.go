package wire

import (
	"context"
	"time"
)

// deadline is a context that costs nothing until somebody waits for it: most
// appends return at once and look at none of it. Nobody may keep it beyond stop.
type deadline struct {
	parent context.Context
	at     time.Time
	// waits runs before the first wait. An append that has to wait, for room or
	// for a partition that another connection holds while IT waits for room,
	// may wait for what this connection has appended and nobody writes yet.
	waits  func()
	inner  context.Context // made by the first Done
	cancel context.CancelFunc
}

func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Value goes to inner once there is one, because context.Cause looks for the
// reason there.
func (d *deadline) Value(key any) any {
	if d.inner != nil {
		return d.inner.Value(key)
	}
	return d.parent.Value(key)
}

// Done is asked for by who is about to wait: it starts the timer. Only one goroutine uses a deadline, so that it needs
// no lock.
func (d *deadline) Done() <-chan struct{} {
	if d.inner == nil {
		d.waits()
		d.inner, d.cancel = context.WithDeadline(d.parent, d.at)
	}
	return d.inner.Done()
}

func (d *deadline) Err() error {
	switch {
	case d.inner != nil:
		return d.inner.Err()
	case d.parent.Err() != nil:
		return d.parent.Err()
	case !time.Now().Before(d.at):
		return context.DeadlineExceeded
	}
	return nil
}

// stop frees the timer; after it the deadline can be used for another request.
func (d *deadline) stop() {
	if d.cancel != nil {
		d.cancel()
		d.inner, d.cancel = nil, nil
	}
}

package wire

import (
	"context"
	"time"
)

// deadline is a context that costs nothing until somebody waits for it: most
// appends return at once and look at none of it. It must not be used after
// stop.
type deadline struct {
	parent context.Context
	at     time.Time
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

// Done starts the timer. Only one goroutine uses a deadline, so that it needs
// no lock.
func (d *deadline) Done() <-chan struct{} {
	if d.inner == nil {
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

func (d *deadline) stop() {
	if d.cancel != nil {
		d.cancel()
	}
}

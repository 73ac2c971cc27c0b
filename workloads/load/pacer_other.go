//go:build !linux

package load

import (
	"context"
	"time"
)

// pacer falls back to Go's timers; delays of a millisecond are then usual and
// are measured like any other.
type pacer struct{ clock *Clock }

func newPacer(c *Clock) (*pacer, error) { return &pacer{clock: c}, nil }

func (p *pacer) close() {}

func (p *pacer) until(ctx context.Context, t int64) (slept bool, err error) {
	wait := time.Duration(t - p.clock.Now())
	if wait <= 0 {
		return false, ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return true, ctx.Err()
	case <-timer.C:
		return true, nil
	}
}

//go:build !linux

package walbench

import (
	"context"
	"time"
)

// pacer falls back to Go's timers; delays of a millisecond are then usual and
// are measured like any other.
type pacer struct{ now func() int64 }

func newPacer(now func() int64) *pacer { return &pacer{now} }

func (p *pacer) close() {}

func (p *pacer) until(ctx context.Context, t int64) bool {
	wait := time.Duration(t - p.now())
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

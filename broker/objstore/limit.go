package objstore

import (
	"context"
	"sync"
	"time"
)

// Limit spreads bytes evenly over time, first come, first served. Each call
// reserves the stretch that its bytes take, so that callers need not take turns;
// time that was not used is gone, so that no burst follows a pause. The zero
// value limits nothing.
type Limit struct {
	PerSecond int64 // bytes; 0: no limit; not to be changed once used

	mu   sync.Mutex
	next time.Time // guarded by mu; when the next bytes may go
}

// Wait returns when n more bytes may go, or with ctx's error.
func (l *Limit) Wait(ctx context.Context, n int) error {
	if err := ctx.Err(); err != nil || l.PerSecond == 0 {
		return err
	}
	l.mu.Lock()
	now := time.Now()
	if l.next.Before(now) {
		l.next = now
	}
	delay := l.next.Sub(now)
	l.next = l.next.Add(time.Duration(float64(n) / float64(l.PerSecond) * float64(time.Second)))
	l.mu.Unlock()
	if delay == 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

package compact

import (
	"context"
	"sync"
	"time"
)

// pace spreads bytes evenly over time. Each call reserves the stretch that its
// bytes take; time that was not used is gone, so that no burst follows a pause.
type pace struct {
	rate int64 // bytes a second; 0: no limit

	mu   sync.Mutex
	next time.Time // guarded by mu; when the next bytes may go
}

// wait returns when n more bytes may go, or with ctx's error.
func (p *pace) wait(ctx context.Context, n int) error {
	if err := ctx.Err(); err != nil || p.rate == 0 {
		return err
	}
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	delay := p.next.Sub(now)
	p.next = p.next.Add(time.Duration(float64(n) / float64(p.rate) * float64(time.Second)))
	p.mu.Unlock()
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

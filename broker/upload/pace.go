package upload

import (
	"context"
	"sync"
	"time"
)

// An upload competes with the log for the disk or the network, and with
// producers for the processor. As fast as it can go, it does so in bursts, of
// which produce latency shows each one. So a block is spread over the time in
// which the next one fills:
//
//	fill    ├── block 1 ──┼── block 2 ──┼── block 3 ──┤
//	put                   ├─ block 1 ─┤ ├─ block 2 ─┤
//	                       ¾ of the time that it took to fill
//
// (AutoMQ smooths its uploads in the same way: size ÷ interval.) Each further
// block that waits adds the same rate again, so that a backlog shrinks; and
// nothing is paced when producers are about to wait (Config.Urgent), or when
// somebody waits for all of it (Drain).
const (
	paceShare  = 0.75                   // of the time to fill
	paceLook   = 50 * time.Millisecond  // how soon a change of mind is noticed
	paceMakeUp = 200 * time.Millisecond // of lost time is made up for at the block's pace
)

// pacer paces one block's objects.
type pacer struct {
	u    *Uploader
	rate float64 // bytes a second while no other block waits

	mu   sync.Mutex
	next time.Time // guarded by mu; when the next piece may go
}

// newPacer returns nil when the block is not to be paced.
func (u *Uploader) newPacer(up *upload) *pacer {
	if up.job.Filled <= 0 {
		return nil
	}
	var size int64
	for _, l := range up.layouts {
		size += l.Size
	}
	over := min(time.Duration(paceShare*float64(up.job.Filled)), u.cfg.PutTimeout/4)
	return &pacer{u: u, rate: max(float64(size)/over.Seconds(), float64(u.cfg.LeastRate)), next: u.cfg.Clock()}
}

// wait returns when n more bytes may go. It is an objstore.Pacer.
func (p *pacer) wait(ctx context.Context, n int) error {
	for {
		d := p.take(n)
		if d == 0 {
			return ctx.Err()
		}
		p.u.paced.Add(int64(d))
		timer := time.NewTimer(d)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// take lets n bytes go, or says when to ask again.
func (p *pacer) take(n int) time.Duration {
	left, hurry := p.u.haste()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.u.cfg.Clock()
	if hurry {
		p.u.hurried.Add(int64(n))
		p.next = now
		return 0
	}
	if early := p.next.Sub(now); early > 0 {
		return min(early, paceLook)
	}
	if late := now.Add(-paceMakeUp); p.next.Before(late) {
		p.next = late
	}
	p.next = p.next.Add(time.Duration(float64(n) / (p.rate * float64(left)) * float64(time.Second)))
	return 0
}

// haste tells how many blocks are not committed, at least one, and whether they
// are to go as fast as they can.
func (u *Uploader) haste() (left int, hurry bool) {
	u.mu.Lock()
	left, hurry = max(u.left, 1), u.draining > 0
	u.mu.Unlock()
	return left, hurry || (u.cfg.Urgent != nil && u.cfg.Urgent())
}

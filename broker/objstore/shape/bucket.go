package shape

import (
	"context"
	"sync"
	"time"

	"github.com/tidelog/tide/broker/objstore"
)

// burst is how much unused bandwidth is kept for later.
const burst = 100 * time.Millisecond

// bucket is a token bucket that gives by class. A taking is granted as soon as
// there is any token, and may leave a debt that delays the next one: so a piece
// larger than the burst is possible, and the rate holds over time.
//
// No goroutine stands behind it: whoever has to wait sets the one timer, and it
// serves all that can be served when it fires.
type bucket struct {
	rate float64 // bytes a second; 0: no limit

	mu     sync.Mutex
	tokens float64            // guarded by mu; negative is a debt
	filled time.Time          // guarded by mu; when tokens was right
	line   objstore.Line[int] // guarded by mu; who waits for how many bytes
	timer  *time.Timer        // guarded by mu; runs while somebody waits
}

func newBucket(rate int64) *bucket {
	return &bucket{rate: float64(rate), filled: time.Now()}
}

// take waits for n tokens, and reports whether it had to.
func (b *bucket) take(ctx context.Context, c objstore.Class, n int) (waited bool, err error) {
	if b.rate == 0 || n == 0 {
		return false, ctx.Err()
	}
	b.mu.Lock()
	b.fill()
	if _, w := b.line.First(); w == nil && b.tokens > 0 {
		b.tokens -= float64(n)
		b.mu.Unlock()
		return false, nil
	}
	w := b.line.Join(c, n)
	b.schedule()
	b.mu.Unlock()
	for rising := objstore.RisingOf(ctx); ; {
		select {
		case <-w.Turn():
			return true, nil
		case <-rising:
			rising = nil
			b.mu.Lock()
			c, w = b.line.Rise(c, w)
			b.mu.Unlock()
		case <-ctx.Done():
			b.giveUp(c, w)
			return true, context.Cause(ctx)
		}
	}
}

// giveUp stops waiting. What was granted at the same moment is given back.
func (b *bucket) giveUp(c objstore.Class, w *objstore.Waiter[int]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.line.Leave(c, w) {
		b.tokens += float64(w.What)
	}
}

// fill adds what the time since the last call has brought. Called with mu held.
func (b *bucket) fill() {
	now := time.Now()
	b.tokens += b.rate * now.Sub(b.filled).Seconds()
	b.tokens = min(b.tokens, b.rate*burst.Seconds())
	b.filled = now
}

// serve is the timer's.
func (b *bucket) serve() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer = nil
	b.fill()
	for c, w := b.line.First(); w != nil && b.tokens > 0; c, w = b.line.First() {
		b.tokens -= float64(w.What)
		b.line.Shift(c)
	}
	b.schedule()
}

// schedule sets the timer to when there is a token for who waits. Called with
// mu held.
func (b *bucket) schedule() {
	if _, w := b.line.First(); w == nil || b.timer != nil {
		return
	}
	missing := 1 - b.tokens
	wait := time.Duration(missing / b.rate * float64(time.Second))
	b.timer = time.AfterFunc(max(wait, time.Microsecond), b.serve)
}

package load

import (
	"context"
	"time"
)

// backoff of a client's retries: from 10 ms up to 250 ms.
func backoff(fails int) time.Duration {
	return min(10*time.Millisecond<<min(fails, 5), 250*time.Millisecond)
}

// pause waits a moment before a question is asked again.
func pause(ctx context.Context) error {
	t := time.NewTimer(20 * time.Millisecond)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

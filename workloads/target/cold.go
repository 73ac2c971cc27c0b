package target

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// settlePoll is how often the broker is asked whether all is uploaded.
const settlePoll = 200 * time.Millisecond

// Metrics reads the admin port.
func (p *Process) Metrics(ctx context.Context) (Metrics, error) {
	m, err := ReadMetrics(ctx, p.admin)
	if err != nil {
		return nil, err
	}
	return p.beside.metrics(ctx, m)
}

// Settle waits until everything that was appended is in objects.
func (p *Process) Settle(ctx context.Context, stem string) error {
	tick := time.NewTicker(settlePoll)
	defer tick.Stop()
	for {
		streams, err := Streams(ctx, p.admin)
		if err != nil {
			return err
		}
		left := notUploaded(streams, stem)
		if left == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.Ended():
			return fmt.Errorf("waiting for the upload of %d records: the broker ended by itself: %s", left, p.LastWords())
		case <-ctx.Done():
			return fmt.Errorf("waiting for the upload of %d records: %w", left, ctx.Err())
		}
	}
}

// Forget drops the log cache's committed blocks.
func (p *Process) Forget(ctx context.Context) error {
	_, err := DropLogCache(ctx, p.admin)
	return err
}

// notUploaded counts the records that are in no object yet.
func notUploaded(streams []Stream, stem string) int64 {
	var n int64
	for _, s := range streams {
		if strings.HasPrefix(s.Topic, stem) {
			n += s.End - s.CommittedEnd
		}
	}
	return n
}

// Committed counts the records that are in objects.
func Committed(streams []Stream, stem string) int64 {
	var n int64
	for _, s := range streams {
		if strings.HasPrefix(s.Topic, stem) {
			n += max(0, s.CommittedEnd-s.Start)
		}
	}
	return n
}

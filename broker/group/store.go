package group

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
)

// store is the coordinator's side of the log.
type store struct {
	log Log // set by Load, before anything is served

	// writer holds a token while records are checked and appended. Checking
	// and appending are one step: a commit that was valid is in the log before
	// the generation that ends its validity commits anything.
	writer chan struct{}
	last   chan struct{} // guarded by writer; closed when all appends so far are decided
	excess int           // guarded by writer; records in the log beyond the live offsets, roughly

	kick   chan struct{} // capacity 1; the log is due for a snapshot
	trimTo int64         // owned by the keeper; 0: nothing to trim
}

func newStore() store {
	decided := make(chan struct{})
	close(decided)
	return store{writer: make(chan struct{}, 1), kick: make(chan struct{}, 1), last: decided}
}

// lock takes the writer's token.
func (s *store) lock(ctx context.Context) error {
	select {
	case s.writer <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *store) unlock() { <-s.writer }

// settled waits until all appends so far are decided, and the groups' offsets
// are what the log says. The token is held.
func (s *store) settled(ctx context.Context) error {
	select {
	case <-s.last:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// append adds records; the token is held. done runs when they are decided, and
// must not block.
func (s *store) append(ctx context.Context, now int64, records []Record, done func(base int64, err error)) error {
	decided := make(chan struct{})
	err := s.log.Append(ctx, now, records, func(base int64, err error) {
		done(base, err)
		close(decided)
	})
	if err == nil {
		s.last = decided
		s.excess += len(records)
	}
	return err
}

// due makes the keeper take a snapshot. The token is held.
func (s *store) due() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// clientError is what the client of an append is told: Kafka's translation of
// what a partition says into what a coordinator says.
func clientError(err error) *kerr.Error {
	e, ok := errors.AsType[*kerr.Error](err)
	switch {
	case !ok: // the caller's or the coordinator's end
		return kerr.CoordinatorNotAvailable
	case e == kerr.RequestTimedOut, e == kerr.UnknownTopicOrPartition:
		return kerr.CoordinatorNotAvailable
	case e == kerr.NotLeaderForPartition, e == kerr.KafkaStorageError:
		return kerr.NotCoordinator
	case e == kerr.MessageTooLarge, e == kerr.InvalidRecord:
		return kerr.InvalidCommitOffsetSize
	}
	return e
}

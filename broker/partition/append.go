package partition

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/stream"
	"github.com/twmb/franz-go/pkg/kerr"
)

// AppendResult is the answer to one Append.
type AppendResult struct {
	BaseOffset    int64 // offset of the first record
	LogAppendTime int64 // ms; −1 when the topic keeps the producer's timestamps
	LogStart      int64 // first offset that can be read
	Err           error // wraps a *kerr.Error; nil: durable
}

// Append adds the one record batch that records hold. A returned error wraps a
// *kerr.Error and nothing was appended; done does not run then. After nil,
// done runs exactly once: when the batch is durable or has failed, on the
// goroutine that found out (so it must not block), or, for a duplicate of a
// durable batch, before Append returns.
//
// The records' own times decide, and a header whose largest one is another is
// corrected, with its CRC.
//
// records is patched in place and copied before Append returns. While the WAL
// or the log cache is full Append blocks, before the batch has an offset; when
// ctx ends first, the batch is never appended: REQUEST_TIMED_OUT.
//
// Whoever appends calls the engine's Commit afterwards.
func (p *Partition) Append(ctx context.Context, records []byte, done func(AppendResult)) error {
	opts := p.options.Load()
	s, err := parseProduced(records, opts.MaxMessageBytes, p.inflated)
	if err == nil {
		err = opts.checkTimes(s, p.clock().UnixMilli())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p, err)
	}
	h := s.Header
	if !opts.LogAppendTime && h.MaxTimestamp != s.newest {
		setMaxTimestamp(records, &h, s.newest)
	}
	if err := p.lock(ctx); err != nil {
		return err
	}
	known, err := p.appendLocked(ctx, h, records, opts.LogAppendTime, done)
	p.unlock()
	if known != nil { // outside the lock: done may well append again
		done(*known)
	}
	return err
}

// checkTimes refuses records that are too old or too far ahead of the broker's
// clock (now, in ms), by the producer's account. One from the year 3000 would
// be the newest of its topic for as long.
func (o *Options) checkTimes(s sent, now int64) error {
	if o.LogAppendTime || o.Internal {
		return nil
	}
	early, late := s.oldest < now-o.TimestampBefore, s.newest > now && s.newest-now > o.TimestampAfter
	if !early && !late {
		return nil
	}
	return fmt.Errorf("%w: records of %d to %d ms, the broker's clock is at %d ms and the topic allows %d ms before it and %d ms after",
		kerr.InvalidTimestamp, s.oldest, s.newest, now, o.TimestampBefore, o.TimestampAfter)
}

// appendLocked appends, or finds that the batch is a duplicate. It returns the
// answer when that is known already; otherwise done was handed on.
func (p *Partition) appendLocked(ctx context.Context, h Header, records []byte, logAppendTime bool, done func(AppendResult)) (*AppendResult, error) {
	if err := p.refusal(); err != nil {
		return nil, err
	}
	now := p.clock()
	p.state.producers.expire(now.Add(-p.expiry))
	v, err := p.state.producers.check(h)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	res := AppendResult{BaseOffset: p.log.Next(), LogAppendTime: -1, LogStart: p.log.Start()}
	if v.duplicate {
		res.BaseOffset = v.original.base
		if logAppendTime {
			res.LogAppendTime = v.original.timestamp
		}
		return p.flight.join(v.original.base+int64(v.original.delta)+1, res, done)
	}
	if logAppendTime {
		stamp(records, &h, now.UnixMilli())
		res.LogAppendTime = h.MaxTimestamp
	}
	h.BaseOffset, h.LeaderEpoch = res.BaseOffset, p.epoch
	patch(records, h.BaseOffset, h.LeaderEpoch)
	if err := p.handOn(ctx, h, records, res, done); err != nil {
		return nil, err
	}
	// The state advances with the append, not with its durability: the next
	// batch of the producer is checked against this one while both are in
	// flight. Should it fail, so does everything after it (rule 6), and the
	// state is loaded anew from what was committed.
	if pr := p.state.advance(h, p.epoch); pr != nil {
		pr.seen = now
	}
	if p.epochs.Load().last() != p.epoch { // at most once: the epoch is fixed
		p.publishEpochs()
	}
	return nil, nil
}

// handOn gives the batch to the stream.
func (p *Partition) handOn(ctx context.Context, h Header, records []byte, res AppendResult, done func(AppendResult)) error {
	a := newInFlight()
	a.f, a.end, a.res, a.done = &p.flight, h.End(), res, done
	err := p.log.Append(ctx, object.RecordBatch{
		StreamID: p.log.ID(), Epoch: p.log.Epoch(), BaseOffset: h.BaseOffset, Count: h.Count, Payload: records,
	}, a.finish)
	if err != nil {
		a.release()
		return p.appendError(err)
	}
	return nil
}

// appendError translates the stream's refusals.
func (p *Partition) appendError(err error) error {
	code := kerr.KafkaStorageError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		code = kerr.RequestTimedOut
	case errors.Is(err, stream.ErrTooLarge):
		code = kerr.MessageTooLarge
	case errors.Is(err, stream.ErrClosed):
		code = kerr.NotLeaderForPartition
	}
	return fmt.Errorf("%s: %w: %w", p, code, err)
}

// lock takes the appender's lock. It is a channel because an append holds it
// for as long as the WAL is full, and those behind it have deadlines too.
func (p *Partition) lock(ctx context.Context) error {
	select {
	case p.appender <- struct{}{}:
		return nil
	default:
	}
	select {
	case p.appender <- struct{}{}:
		return nil
	case <-ctx.Done():
		return p.appendError(ctx.Err())
	}
}

func (p *Partition) unlock() { <-p.appender }

package partition

import (
	"context"
	"errors"
	"fmt"
	"sync"

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
// records is patched in place and copied before Append returns. While the WAL
// or the log cache is full Append blocks, before the batch has an offset; when
// ctx ends first, the batch is never appended: REQUEST_TIMED_OUT.
//
// Whoever appends calls the engine's Commit afterwards.
func (p *Partition) Append(ctx context.Context, records []byte, done func(AppendResult)) error {
	opts := p.options.Load()
	h, err := parseProduced(records, opts.MaxMessageBytes)
	if err != nil {
		return fmt.Errorf("%s: %w", p, err)
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

// inFlight is one append on its way to the device. They are pooled, and finish
// is bound once, so that an append allocates nothing here.
type inFlight struct {
	f      *flight
	end    int64
	res    AppendResult
	done   func(AppendResult)
	finish func(error)
}

var inFlightPool sync.Pool

func newInFlight() *inFlight {
	if a, ok := inFlightPool.Get().(*inFlight); ok {
		return a
	}
	a := new(inFlight)
	a.finish = a.complete
	return a
}

func (a *inFlight) release() {
	a.f, a.done, a.res = nil, nil, AppendResult{}
	inFlightPool.Put(a)
}

// complete answers the append and the duplicates that waited for it.
func (a *inFlight) complete(err error) {
	f, end, res, done := a.f, a.end, a.res, a.done
	a.release()
	if err != nil {
		res.Err = fmt.Errorf("%w: %w", kerr.KafkaStorageError, err)
	}
	ready := f.settle(end, res.Err)
	done(res)
	for _, d := range ready {
		d.res.Err = res.Err
		d.done(d.res)
	}
}

// maxWaiting bounds the duplicates that wait per partition. A producer sends a
// batch again only after its connection broke, so a few are usual.
const maxWaiting = 1024

// flight knows how far the partition is durable and who waits for more.
type flight struct {
	mu      sync.Mutex
	durable int64       // guarded by mu; end of the last append that succeeded
	failed  error       // guarded by mu; the first failure, for good
	waiting []duplicate // guarded by mu

	refused int64 // guarded by mu; duplicates turned away for maxWaiting
}

// duplicate waits for the batch that ends at end.
type duplicate struct {
	end  int64
	res  AppendResult
	done func(AppendResult)
}

// settle records the fate of the append that ends at end and returns the
// duplicates that share it.
//
// A duplicate cannot be missed: join looks at durable and failed, and enters
// the list, under the same lock under which they change here.
func (f *flight) settle(end int64, err error) []duplicate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		if f.failed == nil {
			f.failed = err
		}
		ready := f.waiting
		f.waiting = nil
		return ready
	}
	f.durable = max(f.durable, end)
	if len(f.waiting) == 0 {
		return nil
	}
	var ready []duplicate
	kept := f.waiting[:0]
	for _, d := range f.waiting {
		if d.end <= f.durable {
			ready = append(ready, d)
		} else {
			kept = append(kept, d)
		}
	}
	f.waiting = kept
	return ready
}

// join answers a duplicate at once when its original is durable, else makes it
// wait.
func (f *flight) join(end int64, res AppendResult, done func(AppendResult)) (*AppendResult, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case end <= f.durable:
		return &res, nil
	case f.failed != nil:
		return nil, f.failed
	case len(f.waiting) >= maxWaiting:
		f.refused++
		return nil, fmt.Errorf("%w: %d duplicates wait already", kerr.RequestTimedOut, maxWaiting)
	}
	f.waiting = append(f.waiting, duplicate{end, res, done})
	return nil, nil
}

func (f *flight) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

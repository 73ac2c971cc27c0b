package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/tidelog/tide/broker/logcache"
	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/wal"
)

// ErrLoss: records that were acknowledged are missing between the committed
// end of an open stream and what the WAL still holds of it.
var ErrLoss = errors.New("acknowledged records are lost")

// RecoveryReport says what the opening found in the WAL.
type RecoveryReport struct {
	WAL       wal.Recovery
	Kept      int64 // records that were uploaded and committed
	Committed int64 // dropped: in objects already
	Unknown   int64 // dropped: stream deleted, or not open for this node under the WAL's node epoch
	Stale     int64 // dropped: a higher stream epoch holds the same offsets
	Lost      []Loss
}

// Loss is a range of offsets of one stream that is nowhere any more.
type Loss struct{ StreamID, From, To int64 }

// recover checks whose WAL this is and brings what it holds into objects. The
// WAL is read twice: first all of the ring and the headers only, to see every
// loss and every stale epoch before anything is uploaded, then the batches.
func (e *Engine) recover(ctx context.Context, reg meta.Result) error {
	h, found := e.wal.Header()
	if err := e.checkOwner(h, found, reg); err != nil {
		if !e.cfg.DiscardWAL {
			return fmt.Errorf("%w; --discard-wal empties it, and loses what it holds", err)
		}
		e.cfg.Logger.Warn("the WAL is discarded as --discard-wal asks", "reason", err)
		return nil
	}
	if !found {
		return nil
	}
	p := newPlan(reg.OpenStreams, h.NodeEpoch, &e.recovery)
	opt := wal.RecoverOptions{AcceptLoss: e.cfg.AcceptLoss}
	rec, err := e.wal.Recover(ctx, opt, each(p.note))
	if errors.Is(err, wal.ErrDamaged) {
		return fmt.Errorf("%w; --accept-loss starts without what is lost", err)
	}
	if err != nil {
		return err
	}
	e.recovery.WAL = rec
	if p.largest > e.cache.MaxBatch() {
		return fmt.Errorf("the WAL holds a batch of %d bytes, and a log cache of %d takes at most %d: raise --log-cache to %d or more",
			p.largest, e.cacheSize, e.cache.MaxBatch(), logcache.SizeFor(p.largest))
	}
	if err := e.judge(p.losses()); err != nil {
		return err
	}
	if err := e.restoreAll(ctx, opt, p, rec.Records); err != nil {
		return err
	}
	e.mu.Lock()
	e.last = -1 // recovered blocks trim nothing: the reset frees the whole ring
	e.sealLocked()
	e.mu.Unlock()
	if err := e.uploader.Drain(ctx); err != nil {
		return err
	}
	for _, d := range rec.Damage {
		e.cfg.Logger.Error("starting without what the WAL has lost, as --accept-loss asks: records that were acknowledged may be gone",
			"from", d.From, "to", d.To, "proof", d.Reason, "intact_behind", rec.Lost+rec.Dropped)
	}
	r := &e.recovery
	level := slog.LevelInfo
	// Unknown: a topic deleted just before the crash, or other metadata. Behind
	// the end: in flight, never acknowledged, unless a block before has rotted.
	if r.Unknown > 0 || r.Stale > 0 || rec.Dropped > 0 || rec.Lost > 0 {
		level = slog.LevelWarn
	}
	e.cfg.Logger.Log(ctx, level, "WAL recovered", "records", rec.Records, "kept", r.Kept, "committed", r.Committed,
		"unknown", r.Unknown, "stale", r.Stale, "behind_end", rec.Dropped, "lost", rec.Lost, "from", rec.Start, "to", rec.End)
	return nil
}

// checkOwner refuses a WAL that is not the one which the metadata knows. Epochs
// come from the metadata alone, so a header with one that it never gave this
// node belongs to other metadata: every record in it would look unknown.
func (e *Engine) checkOwner(h wal.Header, found bool, reg meta.Result) error {
	if err := wal.CheckOwner(h, found, e.cfg.NodeID, reg.LastOpenedEpoch, reg.LastClosedEpoch); err != nil {
		return err
	}
	if !found {
		if err := e.wal.Blank(); err != nil {
			return err
		}
	}
	if found && h.NodeEpoch > reg.PreviousNodeEpoch {
		return fmt.Errorf("%w: it was opened under epoch %d, and the newest that this metadata ever gave node %d is %d: the WAL and the data directory do not belong together",
			wal.ErrForeign, h.NodeEpoch, e.cfg.NodeID, reg.PreviousNodeEpoch)
	}
	return nil
}

// errAllRead ends the second reading at the last record: the first one has
// judged what lies behind it.
var errAllRead = errors.New("all records are read")

// restoreAll is the second reading, of as many records as the first one saw.
func (e *Engine) restoreAll(ctx context.Context, opt wal.RecoverOptions, p *plan, records int64) error {
	if records == 0 {
		return nil
	}
	_, err := e.wal.Recover(ctx, opt, each(func(b object.RecordBatch, body []byte) error {
		if p.keep(b) {
			if err := e.restore(ctx, b, body); err != nil {
				return err
			}
		}
		if records--; records == 0 {
			return errAllRead
		}
		return nil
	}))
	if errors.Is(err, errAllRead) {
		return nil
	}
	return err
}

// each decodes a WAL record's body.
func each(fn func(b object.RecordBatch, body []byte) error) func(wal.Record) error {
	return func(r wal.Record) error {
		b, n, err := object.DecodeBatch(r.Body)
		if err == nil && n != len(r.Body) {
			err = fmt.Errorf("%d bytes behind the batch", len(r.Body)-n)
		}
		if err != nil {
			return fmt.Errorf("WAL record at offset %d: %w", r.Offset, err)
		}
		return fn(b, r.Body)
	}
}

// judge refuses to go on with a loss, unless told to.
func (e *Engine) judge(lost []Loss) error {
	e.recovery.Lost = lost
	if len(lost) == 0 {
		return nil
	}
	var errs []error
	for _, l := range lost {
		errs = append(errs, fmt.Errorf("stream %d: %w: offsets %d to %d", l.StreamID, ErrLoss, l.From, l.To-1))
	}
	err := errors.Join(errs...)
	if !e.cfg.AcceptLoss {
		return fmt.Errorf("%w; --accept-loss starts without them", err)
	}
	e.cfg.Logger.Error("starting without lost records, as --accept-loss asks", "loss", err)
	return nil
}

// restore puts one recovered batch into the log cache, sealing and uploading
// as the cache fills: the WAL may be larger than memory.
func (e *Engine) restore(ctx context.Context, b object.RecordBatch, body []byte) error {
	for {
		e.mu.Lock()
		if payload, _ := e.cache.ActiveLevel(); payload >= e.cfg.UploadThreshold {
			e.sealLocked()
		}
		if e.cache.Room(b.StreamID, len(body)) {
			copy(e.cache.Reserve(b.StreamID, b.BaseOffset, b.Count, len(body)), body)
			e.mu.Unlock()
			return nil
		}
		e.sealLocked()
		wait := e.spaceLocked()
		e.mu.Unlock()
		select {
		case <-wait:
		case err := <-e.failure:
			e.report(err)
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

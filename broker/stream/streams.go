package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidelog/tide/broker/meta"
)

// OpenStream makes this node the stream's owner under the next epoch and
// returns it, ready to append at its committed end: whatever the WAL held of it
// was committed before the engine opened. Opening one that is open already
// returns the same Stream.
func (e *Engine) OpenStream(ctx context.Context, id int64) (*Stream, error) {
	e.mu.Lock()
	s := e.streams[id]
	e.mu.Unlock()
	if s != nil {
		return s, nil
	}
	known, ok := e.cfg.Meta.Stream(id)
	if !ok {
		return nil, fmt.Errorf("open stream %d: %w", id, meta.ErrUnknownStream)
	}
	_, err := e.cfg.Meta.Propose(ctx, meta.OpenStream{StreamID: id, NodeID: e.cfg.NodeID, NodeEpoch: e.epoch, StreamEpoch: known.Epoch + 1})
	if err != nil {
		return nil, fmt.Errorf("open stream %d: %w", id, err)
	}
	if known, ok = e.cfg.Meta.Stream(id); !ok {
		return nil, fmt.Errorf("open stream %d: %w", id, meta.ErrUnknownStream)
	}
	s = &Stream{engine: e, id: id, epoch: known.Epoch, snapshot: known.State}
	s.next.Store(known.End)
	s.end.Store(known.End)
	s.start.Store(known.Start)
	e.mu.Lock()
	defer e.mu.Unlock()
	if twin := e.streams[id]; twin != nil {
		return nil, fmt.Errorf("open stream %d: opened twice at the same time", id)
	}
	e.streams[id] = s
	return s, nil
}

// Close takes the stream away from this engine, because its topic was deleted
// or another node leads it: appends get ErrClosed, and everyone who watches it
// is woken. What the caches hold of it ages out.
func (s *Stream) Close() {
	e := s.engine
	e.mu.Lock()
	if e.streams[s.id] == s {
		delete(e.streams, s.id)
	}
	s.closed = true
	e.wakeSpaceLocked()
	e.mu.Unlock()
	s.waiters.signal()
}

// Streams are the open ones, in no order.
func (e *Engine) Streams() []*Stream {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]*Stream, 0, len(e.streams))
	for _, s := range e.streams {
		out = append(out, s)
	}
	return out
}

// ID is the stream's id in the metadata.
func (s *Stream) ID() int64 { return s.id }

// Epoch is the epoch under which it was opened: Kafka's leader epoch.
func (s *Stream) Epoch() int64 { return s.epoch }

// Start is the first offset that can be read.
func (s *Stream) Start() int64 { return s.start.Load() }

// Next is the offset that the next append gets.
func (s *Stream) Next() int64 { return s.next.Load() }

// End is the durable end, exclusive: Kafka's high watermark.
func (s *Stream) End() int64 { return s.end.Load() }

// Snapshot is the partition-state record for exactly the offset at which the
// stream was opened; nil for one that was never committed to.
func (s *Stream) Snapshot() []byte { return s.snapshot }

// Watch signals w whenever End or Start advances and when the stream is closed,
// until Unwatch.
func (s *Stream) Watch(w *Waiter) { s.waiters.add(w) }

// Unwatch ends Watch. A signal that was sent stays in w.
func (s *Stream) Unwatch(w *Waiter) { s.waiters.remove(w) }

// Trim makes start, at most End, the first offset that can be read, durably.
// What lies before it is uploaded first, if it is in no object yet: the
// metadata knows nothing of what it could not find again.
func (s *Stream) Trim(ctx context.Context, start int64) error {
	e := s.engine
	if start > s.End() {
		return fmt.Errorf("stream %d: trim to %d, the end is %d: %w", s.id, start, s.End(), ErrOffsetOutOfRange)
	}
	if known, ok := e.cfg.Meta.Stream(s.id); ok && known.End < start {
		e.mu.Lock()
		e.sealLocked()
		e.mu.Unlock()
		// The block may end with records that are still in flight.
		if err := errors.Join(e.wal.Drain(ctx), e.uploader.Drain(ctx)); err != nil {
			return fmt.Errorf("stream %d: trim to %d: %w", s.id, start, err)
		}
	}
	_, err := e.cfg.Meta.Propose(ctx, meta.TrimStream{StreamID: s.id, NodeID: e.cfg.NodeID, NodeEpoch: e.epoch, Start: start})
	if err != nil {
		return fmt.Errorf("stream %d: trim to %d: %w", s.id, start, err)
	}
	s.raiseStart(start)
	return nil
}

// raiseStart follows the metadata, which may be ahead of a Trim's return. Who
// watches is signalled: a consumer may wait at an offset that is gone now.
func (s *Stream) raiseStart(start int64) {
	for {
		now := s.start.Load()
		if now >= start {
			return
		}
		if s.start.CompareAndSwap(now, start) {
			s.waiters.signal()
			return
		}
	}
}

// TimeRange is a run of committed offsets, the largest timestamp in it and how
// large it is.
type TimeRange struct {
	Start, End   int64
	MaxTimestamp int64 // ms; −1 unknown
	Bytes        int64 // of record batches; 0 unknown
	// Written, in ms, is not before the object was made, nor long after it.
	// Only where MaxTimestamp is unknown; 0: not known either.
	Written int64
}

// TimeRanges are the committed ranges in offset order: the time index, at the
// grain of uploads and of what compaction makes of them. It ends at the committed end; what follows is in the cache.
func (s *Stream) TimeRanges() []TimeRange {
	m := s.engine.cfg.Meta
	known, _ := m.Stream(s.id)
	out := make([]TimeRange, len(known.Ranges))
	for i, r := range known.Ranges {
		out[i] = TimeRange{Start: r.Start, End: r.End, MaxTimestamp: r.MaxTimestamp, Bytes: r.Bytes}
		if r.MaxTimestamp < 0 {
			o, _ := m.Object(r.ObjectID)
			out[i].Written = o.PreparedUntil
		}
	}
	return out
}

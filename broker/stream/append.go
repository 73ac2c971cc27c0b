package stream

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/wal"
)

// pending is one append that is not durable yet.
type pending struct {
	at     wal.Offset
	stream *Stream
	end    int64 // the stream's end once it is durable
	done   func(error)
}

// Append adds one batch. b.BaseOffset must be Next: the caller holds the
// stream's one writer's lock. It blocks while the log cache or the WAL is full,
// BEFORE the batch has an offset (rule 5), until ctx ends: then nothing was
// appended and done never runs. Once it returns nil the payload has been copied
// and done runs exactly once, in WAL order, on the goroutine that reaps: with
// nil when the batch is durable and visible, with an error wrapping ErrFailed
// when it never will be reported so. done must not block.
//
// Append does not start the write: call Engine.Commit after the last of a
// series.
func (s *Stream) Append(ctx context.Context, b object.RecordBatch, done func(error)) error {
	e := s.engine
	n := b.EncodedSize()
	if n > e.maxBatch {
		return fmt.Errorf("stream %d: batch of %d bytes, at most %d: %w", s.id, n, e.maxBatch, ErrTooLarge)
	}
	for {
		slot, dst, wait, err := e.admit(s, b, n, done)
		if err != nil {
			return fmt.Errorf("stream %d: %w", s.id, err)
		}
		if wait == nil {
			object.PutBatchHeader(dst, b)
			copy(dst[object.BatchHeaderSize:], b.Payload)
			slot.Fill(dst[:object.BatchHeaderSize], b.Payload)
			return nil
		}
		// What this goroutine has appended so far may be what fills the WAL's
		// window or its buffers, and nobody else may be about to write it.
		e.Commit()
		select {
		case <-wait:
		case <-ctx.Done():
			return fmt.Errorf("stream %d: no room in the log cache or the WAL: %w", s.id, context.Cause(ctx))
		}
	}
}

// admit takes room, an offset and a place in the queue, all or nothing. When
// there is no room it returns the channel that is closed when there may be.
func (e *Engine) admit(s *Stream, b object.RecordBatch, n int, done func(error)) (slot wal.Slot, dst []byte, wait <-chan struct{}, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.failed != nil:
		return slot, nil, nil, e.failed
	case e.closed || s.closed:
		return slot, nil, nil, ErrClosed
	case b.BaseOffset != s.next.Load() || b.StreamID != s.id || b.Count < 1:
		panic(fmt.Sprintf("stream %d at %d: append of stream %d, base offset %d, count %d", s.id, s.next.Load(), b.StreamID, b.BaseOffset, b.Count))
	}
	room := e.cache.Room(s.id, n)
	if room {
		slot, err = e.wal.Reserve(n)
		if err == nil {
			e.enter(s, b, n, slot.Offset, done)
			return slot, e.cache.Reserve(s.id, b.BaseOffset, b.Count, n), nil, nil
		}
		if !errors.Is(err, wal.ErrFull) {
			return slot, nil, nil, err
		}
	}
	e.counters.spaceWaits.Add(1)
	e.short = e.short || !room
	// A full cache or ring waits for an upload; if none is on the way, there
	// has to be one. Full write buffers wait for the device alone.
	if e.onTheWay == 0 && (!room || e.halfUsed()) {
		e.sealLocked()
	}
	return slot, nil, e.spaceLocked(), nil
}

// enter records an admitted append: rule 4 decides first whether the batch
// goes into the next block.
func (e *Engine) enter(s *Stream, b object.RecordBatch, n int, at wal.Offset, done func(error)) {
	if e.sealIfDue(at) {
		e.began = time.Now()
		e.sealings.Reset(e.cfg.UploadInterval)
	}
	e.last = at
	e.pending.push(pending{at: at, stream: s, end: b.EndOffset(), done: done})
	s.next.Store(b.EndOffset())
	e.counters.appends.Add(1)
	e.counters.appendBytes.Add(int64(n))
}

// Commit leads the WAL's commit of what was appended before the call, unless
// another goroutine leads already and takes it along.
func (e *Engine) Commit() { e.wal.Commit() }

// spaceLocked returns the channel that wakeSpace closes next. Taken under mu
// after a refusal, so that no wake between the two is lost.
func (e *Engine) spaceLocked() <-chan struct{} {
	if e.space == nil {
		e.space = make(chan struct{})
	}
	return e.space
}

// wakeSpace lets every append that waits for room try again.
func (e *Engine) wakeSpace() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wakeSpaceLocked()
}

func (e *Engine) wakeSpaceLocked() {
	if e.space != nil {
		close(e.space)
		e.space, e.short = nil, false
	}
}

// onDurable is the WAL's callback: everything before end is durable, or (err)
// nothing more will be.
func (e *Engine) onDurable(end wal.Offset, err error) {
	if err != nil {
		e.fail(err)
		return
	}
	e.mu.Lock()
	e.durable = end
	ready := e.pending.popBefore(end, e.ready[:0])
	e.enqueueDurable()
	e.mu.Unlock()
	e.ready = ready
	// Visible first, then acknowledged: who sees its ack can read its record.
	for i := range ready {
		ready[i].stream.end.Store(ready[i].end)
	}
	for i := range ready {
		ready[i].done(nil)
	}
	// One signal a stream and commit: the last append of each stream sends it.
	for i := range ready {
		if s := ready[i].stream; s.end.Load() == ready[i].end {
			s.waiters.signal()
		}
	}
	clear(ready)
}

// fail latches the engine: rule 6.
func (e *Engine) fail(cause error) {
	e.mu.Lock()
	if e.failed != nil {
		e.mu.Unlock()
		return
	}
	e.failed = fmt.Errorf("%w: %w", ErrFailed, cause)
	err := e.failed
	lost := e.pending.popBefore(wal.Offset(1<<63-1), nil)
	e.wakeSpaceLocked()
	e.mu.Unlock()
	for i := range lost {
		lost[i].done(err)
	}
	e.report(err)
}

// queue is a FIFO that keeps its memory: a ring of pending appends. Its bound
// is what the WAL's buffers hold.
type queue struct {
	ring []pending
	head int // index of the oldest
	n    int
}

func (q *queue) push(p pending) {
	if q.n == len(q.ring) {
		grown := make([]pending, max(64, 2*len(q.ring)))
		for i := range q.n {
			grown[i] = q.ring[(q.head+i)%len(q.ring)]
		}
		q.ring, q.head = grown, 0
	}
	q.ring[(q.head+q.n)%len(q.ring)] = p
	q.n++
}

// popBefore moves every append before end to dst.
func (q *queue) popBefore(end wal.Offset, dst []pending) []pending {
	for q.n > 0 && q.ring[q.head].at < end {
		dst = append(dst, q.ring[q.head])
		q.ring[q.head] = pending{}
		q.head = (q.head + 1) % len(q.ring)
		q.n--
	}
	return dst
}

// Stream is one open stream: a sequence of record batches with dense offsets,
// appended by one writer at a time and read by any number.
type Stream struct {
	engine   *Engine
	id       int64
	epoch    int64
	snapshot []byte

	next    atomic.Int64 // written under engine.mu
	end     atomic.Int64 // written by onDurable
	start   atomic.Int64
	closed  bool // guarded by engine.mu
	waiters waiters
	begun   atomic.Int32                      // fetches in a row that were served nothing but the beginning of a load
	routes  [keptRoutes]atomic.Pointer[route] // of readers, by their number
}

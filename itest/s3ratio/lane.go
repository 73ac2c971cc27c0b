package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/tidelog/tide/broker/object"
)

// maxLanes bounds the partitions.
const maxLanes = 1024

// lane reads one stream ahead of its client, span by span.
//
//	spans ──▶ a slot is free ──▶ GET ─┐ done
//	                │                 ▼
//	                └─ queue, in the order of offsets ──▶ answers ──▶ the slot is free
//
// Everything but the GETs belongs to the goroutine of the client's connection.
type lane struct {
	spans []span
	free  chan []byte  // slots
	queue chan *loaded // cap: as many as there are slots
	end   int64        // offset

	next int64   // offset of the batch that is sent next
	now  *loaded // whose batches are sent; nil: the next of the queue
	sent int     // of its batches
	used []*loaded
}

// loaded is a span in its slot.
type loaded struct {
	slot    []byte
	done    chan struct{} // closed when err and batches are there
	err     error
	batches []batch
}

// batch is one Kafka batch in a slot.
type batch struct {
	next    int64 // offset behind it
	payload []byte
}

// newLane has slots of the largest span's size; their memory is touched here,
// so that it is there before anything is measured.
func newLane(spans []span, slots int) *lane {
	size := 0
	for _, s := range spans {
		size = max(size, s.size)
	}
	l := &lane{spans: spans, free: make(chan []byte, slots), queue: make(chan *loaded, slots)}
	last := spans[len(spans)-1].blocks
	l.end = last[len(last)-1].EndOffset()
	for range slots {
		slot := make([]byte, size)
		for i := 0; i < len(slot); i += 4096 {
			slot[i] = 1
		}
		l.free <- slot
	}
	return l
}

// run reads all spans, and returns when no GET is in flight any more. moved is
// told of each span, and must not block.
func (l *lane) run(ctx context.Context, s store, moved func()) {
	var gets sync.WaitGroup
	defer gets.Wait()
	for _, sp := range l.spans {
		var slot []byte
		select {
		case slot = <-l.free:
		case <-ctx.Done():
			return
		}
		ld := &loaded{slot: slot, done: make(chan struct{})}
		l.queue <- ld // has room: there are no more than slots
		gets.Go(func() {
			ld.read(ctx, s, sp)
			moved()
		})
	}
}

func (ld *loaded) read(ctx context.Context, s store, sp span) {
	defer close(ld.done)
	p := ld.slot[:sp.size]
	if ld.err = s.Get(ctx, sp.key, sp.position, p); ld.err != nil {
		return
	}
	for _, e := range sp.blocks {
		ld.err = object.ForEachBatch(sp.id, e, p[e.Position-sp.position:][:e.Size], func(_ []byte, b object.RecordBatch) error {
			ld.batches = append(ld.batches, batch{b.EndOffset(), b.Payload})
			return nil
		})
		if ld.err != nil {
			return
		}
	}
	if len(ld.batches) == 0 {
		ld.err = fmt.Errorf("%s from %d: blocks without a batch", sp.key, sp.position)
	}
}

// take appends batches of at least one and at most limit bytes from the offset
// on to dst, as far as they have been read. A client that does not go on where
// it was is an error: slots are used again.
func (l *lane) take(dst [][]byte, offset int64, limit int) ([][]byte, int, error) {
	if offset != l.next {
		return dst, 0, fmt.Errorf("asked for offset %d, where %d comes next", offset, l.next)
	}
	n := 0
	for l.ready() {
		if l.now.err != nil {
			return dst, 0, l.now.err
		}
		b := l.now.batches[l.sent]
		if n > 0 && n+len(b.payload) > limit {
			break
		}
		dst, n, l.next = append(dst, b.payload), n+len(b.payload), b.next
		if l.sent++; l.sent == len(l.now.batches) {
			l.used, l.now, l.sent = append(l.used, l.now), nil, 0
		}
	}
	return dst, n, nil
}

// ready says whether now is there, and read.
func (l *lane) ready() bool {
	if l.now == nil {
		select {
		case l.now = <-l.queue:
		default:
			return false
		}
	}
	select {
	case <-l.now.done:
		return true
	default:
		return false
	}
}

// written gives the slots back whose batches have all been sent.
func (l *lane) written() {
	for _, ld := range l.used {
		l.free <- ld.slot
	}
	l.used = l.used[:0]
}

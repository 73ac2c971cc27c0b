package partition

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/stream"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memLog is a stream in memory. Appends become durable when the test says so
// (settle), or at once with auto.
type memLog struct {
	id, epoch int64
	snapshot  []byte
	auto      bool
	room      chan struct{} // not nil: an append takes a token from it first

	mu      sync.Mutex
	batches []object.RecordBatch
	start   int64
	next    int64
	end     int64
	pending []func(error)
	ends    []int64 // of pending
	ranges  []stream.TimeRange
	waiters map[*stream.Waiter]bool
	refuse  error // of the next Append
}

func (l *memLog) ID() int64        { return l.id }
func (l *memLog) Epoch() int64     { return l.epoch }
func (l *memLog) Snapshot() []byte { return l.snapshot }

func (l *memLog) read(v *int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *v
}

func (l *memLog) Start() int64 { return l.read(&l.start) }
func (l *memLog) Next() int64  { return l.read(&l.next) }
func (l *memLog) End() int64   { return l.read(&l.end) }

func (l *memLog) Close() {}

func (l *memLog) TimeRanges() []stream.TimeRange {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ranges)
}

func (l *memLog) Append(ctx context.Context, b object.RecordBatch, done func(error)) error {
	if l.room != nil {
		select {
		case <-l.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	l.mu.Lock()
	if err := l.refuse; err != nil {
		l.refuse = nil
		l.mu.Unlock()
		return err
	}
	if b.BaseOffset != l.next {
		panic("append out of order")
	}
	b.Payload = slices.Clone(b.Payload)
	l.batches = append(l.batches, b)
	l.next = b.EndOffset()
	l.pending = append(l.pending, done)
	l.ends = append(l.ends, l.next)
	l.mu.Unlock()
	if l.auto {
		l.settle(1, nil)
	}
	return nil
}

// settle decides the fate of the n oldest appends in flight.
func (l *memLog) settle(n int, err error) {
	for range n {
		l.mu.Lock()
		done := l.pending[0]
		if err == nil {
			l.end = l.ends[0]
		}
		l.pending, l.ends = l.pending[1:], l.ends[1:]
		for w := range l.waiters {
			w.Signal()
		}
		l.mu.Unlock()
		done(err)
	}
}

func (l *memLog) FetchFor(_ context.Context, w stream.Want) (*stream.Read, error) {
	offset, maxBytes, minOne := w.Offset, w.MaxBytes, w.MinOne
	l.mu.Lock()
	defer l.mu.Unlock()
	if offset < l.start || offset > l.end {
		return nil, stream.ErrOffsetOutOfRange
	}
	r := &stream.Read{Next: offset}
	for _, b := range l.batches {
		if b.EndOffset() <= offset || b.EndOffset() > l.end {
			continue
		}
		if r.Bytes+len(b.Payload) > maxBytes && (len(r.Buffers) > 0 || !minOne) {
			break
		}
		r.Buffers = append(r.Buffers, b.Payload)
		r.Bytes += len(b.Payload)
		r.Next = b.EndOffset()
	}
	return r, nil
}

func (l *memLog) Trim(_ context.Context, start int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.start = max(l.start, start)
	return nil
}

func (l *memLog) Watch(w *stream.Waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiters == nil {
		l.waiters = make(map[*stream.Waiter]bool)
	}
	l.waiters[w] = true
}

func (l *memLog) Unwatch(w *stream.Waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiters, w)
}

// opened is a partition over l as a Manager would open it.
func opened(t testing.TB, l *memLog, opts ...func(*Config, *Options)) *Partition {
	t.Helper()
	cfg := Config{Clock: time.Now}.withDefaults()
	o := cfg.options(nil)
	for _, f := range opts {
		f(&cfg, &o)
	}
	p, err := openPartition(cfg, "t", 0, l, o)
	require.NoError(t, err)
	return p
}

// fold runs the uploader's side over what l holds from offset from to its end.
func (l *memLog) fold(t testing.TB, record []byte, from, to int64) []byte {
	t.Helper()
	s, err := Folder{}.Load(l.id, record)
	require.NoError(t, err)
	for _, b := range l.batches {
		if b.BaseOffset >= from && b.EndOffset() <= to {
			require.NoError(t, s.Apply(b))
		}
	}
	return s.Encode()
}

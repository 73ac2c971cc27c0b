package s3

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tidelog/tide/broker/objstore"
)

// op is a request of S3's, as counted.
type op int

const (
	opPut op = iota
	opCreate
	opPart
	opComplete
	opAbort
	opGet
	opHead
	opList
	opDelete
	opCount
)

// String is the name in metrics and results.
func (o op) String() string {
	return [opCount]string{"put", "create", "part", "complete", "abort", "get", "head", "list", "delete"}[o]
}

// reads says on which side of the store a request goes.
func (o op) reads() bool { return o == opGet || o == opHead || o == opList }

// deadlineError is the end of a call, or of an attempt in which nothing moved.
type deadlineError struct {
	what string
	d    time.Duration
}

func (e deadlineError) Error() string { return fmt.Sprintf("%s within %v", e.what, e.d) }

// Is lets errors.Is find context.DeadlineExceeded.
func (e deadlineError) Is(target error) bool { return target == context.DeadlineExceeded }

// call is one request to S3 with all its attempts. It travels in the context.
type call struct {
	store *Store
	op    op

	// Of the goroutine that the SDK runs in.
	attempts int      // begun so far
	pos      int64    // opGet: where what is missing begins in the object
	left     int64    // opGet: bytes that are missing
	into     [][]byte // opGet: where they go; shrinks as they come
	deadline *stopwatch

	mu    sync.Mutex
	stall *stopwatch // of the attempt that runs, or nil; guarded by mu
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// call runs one request: it waits for a place, and ends do at the deadline,
// when ctx ends, or when the store is closed.
func (s *Store) call(ctx context.Context, o op, do func(context.Context, *call) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := &call{store: s, op: o}
	c.deadline = startWatch(s.cfg.Deadline, func() { cancel(deadlineError{"no end", s.cfg.Deadline}) })
	defer c.deadline.stop()
	if o != opAbort {
		defer context.AfterFunc(s.life, func() { cancel(objstore.ErrClosed) })()
	}
	gate := s.side(o).gate
	if _, err := gate.Enter(ctx); err != nil {
		return fmt.Errorf("waiting for one of %d requests in flight: %w", gate.Stats().Places, err)
	}
	defer gate.Leave()
	err := do(context.WithValue(ctx, callKey{}, c), c)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("after %d attempts: %w", c.attempts, context.Cause(ctx))
	}
	return err
}

// missing is the range of a GET's bytes that are not there yet, as HTTP has it.
func (c *call) missing() string {
	return fmt.Sprintf("bytes=%d-%d", c.pos, c.pos+c.left-1)
}

// moved says that bytes have moved.
func (c *call) moved() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stall != nil {
		c.stall.restart()
	}
}

// waiting stops both watches while fn runs.
func (c *call) waiting(fn func() error) error {
	c.mu.Lock()
	stall := c.stall
	c.mu.Unlock()
	c.deadline.pause()
	defer c.deadline.resume()
	if stall != nil {
		stall.pause()
		defer stall.restart()
	}
	return fn()
}

// watchStall makes w the watch of the attempt that runs; nil: none runs.
func (c *call) watchStall(w *stopwatch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stall = w
}

// stopwatch calls a function when a time is over, and can be paused.
type stopwatch struct {
	d     time.Duration
	timer *time.Timer

	mu    sync.Mutex
	ended bool          // by stop: nothing starts it again; guarded by mu
	since time.Time     // when it was last started; guarded by mu
	left  time.Duration // then; guarded by mu
}

func startWatch(d time.Duration, over func()) *stopwatch {
	return &stopwatch{d: d, left: d, since: time.Now(), timer: time.AfterFunc(d, over)}
}

// pause keeps what is left.
func (w *stopwatch) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer.Stop() {
		w.left -= time.Since(w.since)
	}
}

// resume goes on with what is left.
func (w *stopwatch) resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.start(max(w.left, 1))
}

// restart begins anew.
func (w *stopwatch) restart() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.start(w.d)
}

// start runs the timer. The caller holds mu.
func (w *stopwatch) start(d time.Duration) {
	if !w.ended {
		w.left, w.since = d, time.Now()
		w.timer.Reset(d)
	}
}

func (w *stopwatch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.timer.Stop()
}

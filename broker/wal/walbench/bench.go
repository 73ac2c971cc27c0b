// Package walbench measures the write-ahead log from above: appends through
// the sliding window, until they are durable.
//
//	closed   appender ─▶ Reserve, Fill, Commit ─▶ wait ─┐   N of them
//	             └──────────────────────────────────────┘
//	open     pacer ──due times──▶ appenders ─▶ Reserve, Fill, Commit
//	         schedule fixed at the start; a late append counts from when it was due
//
//	                   warm-up              measured
//	start ├───────────────────────┼─────────────────────────┤ drain, trim, close
//
// It is used by `tide wal bench`; which way of writing lies under the log is
// its caller's choice.
package walbench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/tidelog/tide/broker/wal"
	"github.com/tidelog/tide/iopath"
)

// closeTimeout bounds the end of a run, when what is in flight lands.
const closeTimeout = time.Minute

// ErrNotOurs is wrapped when the log holds something else than a benchmark's
// records, which a run would overwrite.
var ErrNotOurs = errors.New("is not a benchmark's to overwrite")

// Run opens the log, starts a new life of it, and measures. What the log held
// before is lost, so a log that another node wrote is refused. The path stays
// open. An error is one of the run; a run that missed its rate is a Result
// whose verdict says so.
func Run(ctx context.Context, cfg Config) (Result, error) {
	if err := cfg.Validate(); err != nil {
		return Result{}, err
	}
	cfg = cfg.withDefaults()
	if cfg.Procs > 0 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cfg.Procs))
	}
	r := newRun(cfg)
	if err := r.open(ctx); err != nil {
		return Result{}, errors.Join(err, r.abandon())
	}
	out, err := r.measure(ctx)
	if closeErr := r.close(); err == nil { // a log that failed says so again when it closes
		err = closeErr
	}
	return out, err
}

// run is one run in progress.
type run struct {
	cfg   Config
	log   *wal.WAL
	epoch time.Time
	begin int64 // of the measured time, ns since epoch
	end   int64
	acks  *acks
	due   chan int64 // open loop with several appenders: ns since epoch
}

func newRun(cfg Config) *run {
	r := &run{cfg: cfg, epoch: time.Now()}
	capacity := cfg.Appenders
	if cfg.Rate > 0 {
		capacity, r.due = maxQueue, make(chan int64, maxQueue)
	}
	r.acks = newAcks(capacity, cfg.TrimEvery, r.now)
	return r
}

// now is in ns since epoch.
func (r *run) now() int64 { return int64(time.Since(r.epoch)) }

func (r *run) open(ctx context.Context) (err error) {
	c := r.cfg.WAL
	c.NodeID, c.OnDurable, c.OnSpace = NodeID, r.acks.durable, r.acks.space
	if r.log, err = wal.Open(c); err != nil {
		return err
	}
	r.acks.log = r.log
	if err := r.mayWrite(); err != nil {
		return err
	}
	if n := r.log.MaxBody(); r.cfg.body() > n {
		return fmt.Errorf("%w: record of %d bytes: this log takes %d", wal.ErrTooLarge, r.cfg.Record, n-r.cfg.body()+r.cfg.Record)
	}
	r.cfg.Progress("starting a new log", 0)
	if err := r.log.Reset(ctx, 1); err != nil {
		return err
	}
	r.acks.trimmed = r.log.Stats().Durable
	return nil
}

// mayWrite refuses to destroy what a benchmark has not written.
func (r *run) mayWrite() error {
	h, found := r.log.Header()
	if r.cfg.Overwrite || (found && h.NodeID == NodeID) {
		return nil
	}
	if found {
		return fmt.Errorf("%s %w: its header is node %d's", r.cfg.Name, ErrNotOurs, h.NodeID)
	}
	first := r.cfg.WAL.Path.Arena()[:2*iopath.BlockSize]
	if _, err := r.cfg.WAL.Path.ReadAt(first, 0); err != nil {
		return err
	}
	for _, b := range first {
		if b != 0 {
			return fmt.Errorf("%s %w: it holds something else, not zeros", r.cfg.Name, ErrNotOurs)
		}
	}
	return nil
}

// measure runs the load and takes two snapshots, whose difference is the result.
func (r *run) measure(parent context.Context) (Result, error) {
	start := r.now()
	r.begin = start + int64(r.cfg.Warmup)
	r.end = r.begin + int64(r.cfg.Duration)
	r.acks.from = r.begin
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	r.acks.onFail(cancel)
	defer context.AfterFunc(ctx, r.acks.stop)()
	var load sync.WaitGroup
	r.start(ctx, &load, start)

	r.cfg.Progress("warm-up", r.cfg.Warmup)
	r.sleepUntil(ctx, r.begin)
	before := r.snapshot()
	r.cfg.Progress("measuring", r.cfg.Duration)
	r.sleepUntil(ctx, r.end)
	after := r.snapshot()
	load.Wait()
	if err := errors.Join(r.acks.failure(), parent.Err()); err != nil {
		return Result{}, err
	}
	drain, done := context.WithTimeout(parent, closeTimeout)
	defer done()
	if err := r.log.Drain(drain); err != nil {
		return Result{}, err
	}
	return r.result(before, after), nil
}

func (r *run) sleepUntil(ctx context.Context, t int64) {
	timer := time.NewTimer(time.Duration(t - r.now()))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// abandon ends a log that was not opened for appends, without writing to it.
func (r *run) abandon() error {
	if r.log == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return r.log.Close(ctx, false)
}

// close leaves an empty log behind, marked clean.
func (r *run) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err := r.log.Drain(ctx)
	if err == nil {
		err = r.acks.trimAll()
	}
	return errors.Join(err, r.log.Close(ctx, err == nil))
}

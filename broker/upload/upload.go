// Package upload turns sealed blocks of the log cache into objects.
//
//	sealed block ─ prepare ─▶ id, layout, states ─ put ─▶ bytes in the store ─ commit ─▶ metadata ─▶ trim, free
//	               in order                        in parallel              in order
//
// Blocks are prepared in the order in which they were sealed (their ids and
// partition-state records depend on it), put in parallel, and committed
// strictly in order (rule 3). Only when the LOCAL replica of the metadata has
// applied a commit is the WAL trimmed and the block free to go: a fetch finds
// the data in the cache or in the object at every moment.
//
// Each block is put at the pace at which the next one fills (pace.go).
//
// An unreachable store delays everything here and nothing else: producers go
// on until the log cache or the WAL is full.
package upload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidelog/tide/broker/logcache"
	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/internal/spans"
)

// Metadata is what the uploader needs of the cluster's metadata.
type Metadata interface {
	// Propose returns when the command is committed AND applied by the local
	// replica.
	Propose(ctx context.Context, cmd meta.Command) (meta.Result, error)
	// Stream is the local replica's view.
	Stream(id int64) (meta.Stream, bool)
}

// Config is what an Uploader works with and how.
type Config struct {
	Store  objstore.Store
	Meta   Metadata
	Folder StateFolder

	NodeID    int32
	NodeEpoch int64
	Namespace string // of object keys; default "DEFAULT"

	// BlockSize closes a DataBlock, in payload bytes. Default 1 MiB. Smaller:
	// less over-read of a cold fetch, more index and more GETs.
	BlockSize int
	// Split: a stream with at least this many payload bytes in one block gets
	// an object of its own. Default 8 MiB.
	Split int64
	// Parallel is how many blocks are put at the same time. Default 2.
	Parallel int
	// PreparedFor is how long a prepared id stays valid before it may expire.
	// Default 30 min. An upload that takes longer is repeated under a new id.
	PreparedFor time.Duration
	// PutTimeout ends one attempt of a put. Default 2 min: a store that swallows
	// requests is then named in the log, and asked again.
	PutTimeout time.Duration
	// LeastRate is the slowest pace of an upload, in bytes a second. Default
	// 1 MiB/s: what trickles in is put in one go.
	LeastRate int64
	// RetryMin and RetryMax bound the wait between attempts, which doubles.
	// Defaults 100 ms and 10 s.
	RetryMin, RetryMax time.Duration

	// Urgent reports whether producers will soon wait for an upload: then it is
	// not paced. It is asked before each piece of an object. nil: never.
	Urgent func() bool

	// Committed is called in order, after the local replica has applied the
	// block's commit, on the uploader's goroutine.
	Committed func(Job)

	Clock  func() time.Time
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	def(&c.Namespace, "DEFAULT")
	def(&c.BlockSize, 1<<20)
	def(&c.Split, 8<<20)
	def(&c.Parallel, 2)
	def(&c.PreparedFor, 30*time.Minute)
	def(&c.PutTimeout, 2*time.Minute)
	def(&c.LeastRate, 1<<20)
	def(&c.RetryMin, 100*time.Millisecond)
	def(&c.RetryMax, 10*time.Second)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func def[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var errs []error
	if c.BlockSize < 4<<10 {
		errs = append(errs, fmt.Errorf("object block of %d bytes: at least 4 KiB", c.BlockSize))
	}
	if c.Split < 1 {
		errs = append(errs, fmt.Errorf("object split of %d bytes: at least 1", c.Split))
	}
	if c.Parallel < 1 || c.Parallel > 64 {
		errs = append(errs, fmt.Errorf("%d parallel uploads: from 1 to 64", c.Parallel))
	}
	if c.LeastRate < 1 {
		errs = append(errs, fmt.Errorf("least rate of %d bytes/s: at least 1", c.LeastRate))
	}
	if c.PutTimeout < time.Millisecond || c.PreparedFor < c.PutTimeout {
		errs = append(errs, fmt.Errorf("a put may take %v and an id is valid for %v: at least 1ms, and the id as long as a put", c.PutTimeout, c.PreparedFor))
	}
	return errors.Join(errs...)
}

// Job is one sealed block with all of its batches durable.
type Job struct {
	Block *logcache.Block
	// Confirm is the WAL offset to trim to once the block is committed: the
	// START of its last record (rule 2). Negative: nothing to trim.
	Confirm int64
	// Filled is how long the block took from its first record to its seal: the
	// next one will take about as long. Zero: unknown, and put without pacing.
	Filled time.Duration
}

// Stats counts since New.
type Stats struct {
	Objects, Bytes  int64 // put and committed
	Retries         int64 // attempts that failed, of puts and commits
	Queued, Pending int64 // blocks waiting for, and in, the pipeline
	Hurried         int64 // bytes that were put without pacing, for haste

	Paced time.Duration // that puts waited for their pace, all together
}

// Uploader is the pipeline. Its queue is bounded by the log cache, in which
// every queued block lives.
type Uploader struct {
	cfg Config

	mu    sync.Mutex
	cond  sync.Cond // on queue, left and err
	queue []Job
	left  int   // blocks enqueued and not yet committed
	err   error // why Run ended
	done  bool

	committed int64 // blocks since New; guarded by mu
	draining  int   // callers of Drain; guarded by mu

	states map[int64]*streamState // touched by the preparing goroutine only
	puts   chan struct{}          // one element for each block being put

	objects, bytes, retries, pending atomic.Int64
	paced, hurried                   atomic.Int64
	history                          spans.History // of uploads, from the first put to the commit
}

// New checks the configuration; Run does the work.
func New(cfg Config) (*Uploader, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	u := &Uploader{cfg: cfg, states: make(map[int64]*streamState), puts: make(chan struct{}, cfg.Parallel)}
	u.cond.L = &u.mu
	return u, nil
}

// Enqueue hands a block over. It never blocks. Blocks come in the order in
// which they were sealed.
func (u *Uploader) Enqueue(j Job) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.queue = append(u.queue, j)
	u.left++
	u.cond.Broadcast()
}

// Idle reports whether everything enqueued is committed.
func (u *Uploader) Idle() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.left == 0
}

// Drain waits until everything enqueued before the call is committed, Run has
// ended (its error), or ctx ends. Meanwhile nothing is paced.
func (u *Uploader) Drain(ctx context.Context) error {
	stop := context.AfterFunc(ctx, u.wake)
	defer stop()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.draining++
	defer func() { u.draining-- }()
	until := u.committed + int64(u.left)
	for u.committed < until && !u.done && ctx.Err() == nil {
		u.cond.Wait()
	}
	switch {
	case u.committed >= until:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("upload: %d blocks are not in the store yet: %w", until-u.committed, context.Cause(ctx))
	case u.err != nil:
		return u.err
	}
	return errors.New("upload: stopped")
}

// wake lets everyone who waits look again.
func (u *Uploader) wake() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cond.Broadcast()
}

// Run works until ctx ends (nil) or an error that repeating cannot cure, such
// as a node epoch that is no longer current.
func (u *Uploader) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, u.wake)
	defer stop()
	jobs := make(chan *upload, u.cfg.Parallel)
	g.Go(func() error { defer close(jobs); return u.prepareAll(ctx, jobs) })
	g.Go(func() error { return u.commitAll(ctx, jobs) })
	err := g.Wait()
	for up := range jobs {
		u.awaitPut(up)
	}
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.err, u.done = err, true
	u.cond.Broadcast()
	return err
}

// next waits for a block; ok is false when ctx ended.
func (u *Uploader) next(ctx context.Context) (Job, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for len(u.queue) == 0 && ctx.Err() == nil {
		u.cond.Wait()
	}
	if ctx.Err() != nil {
		return Job{}, false
	}
	j := u.queue[0]
	u.queue[0] = Job{}
	u.queue = u.queue[1:]
	return j, true
}

// Spans are the newest uploads, a block each: from its first put to its commit.
func (u *Uploader) Spans() []spans.Span { return u.history.Newest() }

// Stats may be called at any time.
func (u *Uploader) Stats() Stats {
	u.mu.Lock()
	queued := int64(len(u.queue))
	u.mu.Unlock()
	return Stats{
		Objects: u.objects.Load(), Bytes: u.bytes.Load(), Retries: u.retries.Load(), Queued: queued, Pending: u.pending.Load(),
		Hurried: u.hurried.Load(), Paced: time.Duration(u.paced.Load()),
	}
}

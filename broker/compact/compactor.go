package compact

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/internal/spans"
)

// Compactor merges small objects of the streams that this node owns. One round
// runs at a time.
type Compactor struct {
	cfg    Config
	pace   objstore.Limit // of reads
	writes objstore.Limit // of writes, asked by the store
	round  chan struct{}  // holds a token while a round runs
	bad    map[int64]bool // damaged objects; guarded by round
	stats  counters
	closed context.Context // ends every round
	close  context.CancelFunc

	history spans.History // of jobs
}

type counters struct {
	rounds, jobs, failed, corrupt, refused atomic.Int64
	objectsIn, objectsOut                  atomic.Int64
	bytesRead, bytesWritten, gets          atomic.Int64
}

// Stats counts since New.
type Stats struct {
	Rounds, Jobs int64 // jobs that were begun
	Failed       int64 // of these, jobs that ended with an error
	Corrupt      int64 // objects found damaged, and left alone
	Refused      int64 // outputs whose commit the metadata refused
	ObjectsIn    int64 // objects that nothing refers to any more because of it
	ObjectsOut   int64 // objects written and committed
	BytesRead    int64
	BytesWritten int64
	Gets         int64
}

// New checks the configuration; Run does the work.
func New(cfg Config) (*Compactor, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	closed, stop := context.WithCancel(context.Background())
	return &Compactor{
		closed: closed, close: stop,
		cfg: cfg, pace: objstore.Limit{PerSecond: cfg.Rate}, writes: objstore.Limit{PerSecond: cfg.Rate},
		round: make(chan struct{}, 1), bad: make(map[int64]bool),
	}, nil
}

// Stats may be called at any time.
func (c *Compactor) Stats() Stats {
	n := &c.stats
	return Stats{
		Rounds: n.rounds.Load(), Jobs: n.jobs.Load(), Failed: n.failed.Load(), Corrupt: n.corrupt.Load(), Refused: n.refused.Load(),
		ObjectsIn: n.objectsIn.Load(), ObjectsOut: n.objectsOut.Load(),
		BytesRead: n.bytesRead.Load(), BytesWritten: n.bytesWritten.Load(), Gets: n.gets.Load(),
	}
}

// Run merges until ctx ends. What fails is planned anew in the next round.
func (c *Compactor) Run(ctx context.Context) error {
	tick := time.NewTicker(c.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := c.Round(ctx, false); err != nil && ctx.Err() == nil {
			c.cfg.Logger.Warn("compaction; will try again", "error", err)
		}
	}
}

// passes bounds a round: what one merge leaves may be worth another.
const passes = 4

// Round merges what is due, and with force what is small whatever its age. It
// returns when that is committed, or with the errors of the jobs that failed.
func (c *Compactor) Round(ctx context.Context, force bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.closed, cancel)()
	select {
	case c.round <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-c.round }()
	c.stats.rounds.Add(1)
	ctx = objstore.WithClass(ctx, objstore.ClassCompaction)
	for range passes {
		jobs := newPlanner(c.cfg, force, c.bad).jobs()
		if err := c.runAll(ctx, jobs); err != nil || len(jobs) == 0 {
			return err
		}
	}
	return nil
}

// runAll does the jobs one after the other. One that fails does not keep the
// others from being done, unless ctx has ended or the node is fenced.
func (c *Compactor) runAll(ctx context.Context, jobs []job) error {
	var errs []error
	for _, j := range jobs {
		c.stats.jobs.Add(1)
		err := c.runSpan(ctx, j)
		if err == nil {
			continue
		}
		c.stats.failed.Add(1)
		errs = append(errs, err)
		if ctx.Err() != nil || errors.Is(err, meta.ErrFencedEpoch) {
			break
		}
	}
	return errors.Join(errs...)
}

// runSpan does a job and remembers when.
func (c *Compactor) runSpan(ctx context.Context, j job) error {
	span, written := c.history.Begin(c.cfg.Clock()), c.stats.bytesWritten.Load()
	err := c.run(ctx, j)
	c.history.End(span, c.cfg.Clock(), c.stats.bytesWritten.Load()-written)
	return err
}

// Spans are the newest merges.
func (c *Compactor) Spans() []spans.Span { return c.history.Newest() }

// Close ends the round that runs, if one does, and all later ones, and waits
// for it: a call of the store may go on using the round's memory. When ctx ends
// first, the error says so.
func (c *Compactor) Close(ctx context.Context) error {
	c.close()
	select {
	case c.round <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("a compaction does not end: %w", ctx.Err())
	}
}

package compact

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
)

// Metadata is what a Cleaner reads and changes.
type Metadata interface {
	Propose(ctx context.Context, cmd meta.Command) (meta.Result, error)
	Objects(state meta.ObjectState) []meta.Object
}

// CleanerConfig sets the times of a Cleaner.
type CleanerConfig struct {
	Store     objstore.Store
	Meta      Metadata
	Namespace string // of object keys; default "DEFAULT"

	// Every is the pause between rounds. Default 10 s.
	Every time.Duration
	// Grace is how long a destroyed object's bytes stay, so that readers whose
	// metadata is older finish. Default 1 min.
	Grace time.Duration

	Clock  func() time.Time
	Logger *slog.Logger
}

func (c CleanerConfig) withDefaults() CleanerConfig {
	if c.Namespace == "" {
		c.Namespace = "DEFAULT"
	}
	if c.Every == 0 {
		c.Every = 10 * time.Second
	}
	if c.Grace == 0 {
		c.Grace = time.Minute
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Cleaner deletes the bytes of destroyed objects. Rule 8 gives the order:
// prepared ids that nobody committed in time become DESTROYED by a command
// first, so that a late commit is refused; then a grace time passes; then the
// bytes go; then the metadata forgets the id. A crash anywhere repeats safely.
type Cleaner struct {
	cfg     CleanerConfig
	seen    map[int64]time.Time // destroyed objects, by id: when first seen
	deleted atomic.Int64
	bytes   atomic.Int64
}

// NewCleaner does nothing until Run.
func NewCleaner(cfg CleanerConfig) *Cleaner {
	return &Cleaner{cfg: cfg.withDefaults(), seen: make(map[int64]time.Time)}
}

// Deleted is how many objects have gone since New.
func (c *Cleaner) Deleted() int64 { return c.deleted.Load() }

// DeletedBytes is how large they were, as far as the metadata knew: an object
// that expired before its commit counts as empty.
func (c *Cleaner) DeletedBytes() int64 { return c.bytes.Load() }

// Run cleans until ctx ends. What fails is tried again in the next round.
func (c *Cleaner) Run(ctx context.Context) error {
	tick := time.NewTicker(c.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := c.Round(ctx); err != nil && ctx.Err() == nil {
			c.cfg.Logger.Warn("cleaning the object store; will try again", "error", err)
		}
	}
}

// Round expires what was prepared too long ago and deletes what has been
// destroyed for the grace time.
func (c *Cleaner) Round(ctx context.Context) error {
	ctx = objstore.WithClass(ctx, objstore.ClassCompaction)
	now := c.cfg.Clock()
	var errs []error
	if c.anyExpired(now) {
		_, err := c.cfg.Meta.Propose(ctx, meta.ExpireObjects{Before: now.UnixMilli()})
		errs = append(errs, err)
	}
	var gone []int64
	seen := make(map[int64]time.Time) // without those that are forgotten by now
	for _, o := range c.cfg.Meta.Objects(meta.Destroyed) {
		since, ok := c.seen[o.ID]
		if !ok {
			since = now
		}
		seen[o.ID] = since
		if now.Sub(since) < c.cfg.Grace {
			continue
		}
		// An object that expired before its commit has no key in the metadata,
		// but its upload may have left bytes under the one it would have had.
		if err := c.cfg.Store.Delete(ctx, object.Key(c.cfg.Namespace, o.ID)); err != nil {
			errs = append(errs, err)
			continue
		}
		gone = append(gone, o.ID)
		c.bytes.Add(o.Size)
	}
	c.seen = seen
	return errors.Join(append(errs, c.forget(ctx, gone))...)
}

func (c *Cleaner) anyExpired(now time.Time) bool {
	for _, o := range c.cfg.Meta.Objects(meta.Prepared) {
		if o.PreparedUntil < now.UnixMilli() {
			return true
		}
	}
	return false
}

func (c *Cleaner) forget(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	if _, err := c.cfg.Meta.Propose(ctx, meta.ForgetObjects{IDs: ids}); err != nil {
		return err
	}
	c.deleted.Add(int64(len(ids)))
	return nil
}

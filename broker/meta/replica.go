package meta

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// Replica is a broker's copy of the metadata. It follows a controller and
// answers reads from memory, at worst a little behind: who needs more waits
// (WaitFor, Sync). Safe for concurrent use; what it hands out is immutable.
type Replica struct {
	controller Controller
	logger     *slog.Logger
	watchers   []func(Change) // fixed once Run has begun

	mu      sync.RWMutex
	image   *Image        // guarded by mu
	index   uint64        // guarded by mu; behind image.index while watchers run
	moved   chan struct{} // guarded by mu; closed and replaced whenever index moves
	running bool          // guarded by mu
}

// NewReplica returns an empty replica of c's metadata. Run fills it. A nil
// logger means slog's default.
func NewReplica(c Controller, logger *slog.Logger) *Replica {
	if logger == nil {
		logger = slog.Default()
	}
	return &Replica{controller: c, logger: logger, image: NewImage(), moved: make(chan struct{})}
}

// Watch has fn called for each change, in order, after the command that it
// belongs to was applied, and before any WaitFor for that command returns. fn
// runs on Run's goroutine: it may read the replica, but it must neither block
// nor wait for the replica. To be called before Run.
func (r *Replica) Watch(fn func(Change)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running {
		panic("meta: Replica.Watch after Run: changes were missed")
	}
	r.watchers = append(r.watchers, fn)
}

// Run follows the controller until ctx ends (nil) or the controller fails. It
// runs once in a replica's life.
func (r *Replica) Run(ctx context.Context) error {
	r.mu.Lock()
	r.running = true
	after := r.index
	r.mu.Unlock()
	for {
		u, err := r.controller.Follow(ctx, after)
		if err != nil {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return nil
			}
			return fmt.Errorf("meta: replica at index %d: %w", after, err)
		}
		r.apply(u)
		after = u.Index
	}
}

func (r *Replica) apply(u Update) {
	if u.Image != nil {
		r.replace(u.Image)
	}
	for _, e := range u.Entries {
		r.mu.Lock()
		r.image.advance(e.Index)
		for _, c := range e.Changes {
			r.image.Apply(c)
		}
		r.mu.Unlock()
		r.notify(e.Changes)
		r.reached(e.Index)
	}
	r.reached(u.Index)
}

// replace takes a whole image over. The watchers get the difference as changes,
// so that they need to know only one way in which the world moves.
func (r *Replica) replace(im *Image) {
	r.mu.Lock()
	from := r.image.index
	changes := diff(r.image, im)
	r.image = im
	r.mu.Unlock()
	r.logger.Info("meta: replica took an image", "from", from, "index", im.index, "changes", len(changes))
	r.notify(changes)
}

func (r *Replica) notify(changes []Change) {
	for _, c := range changes {
		for _, fn := range r.watchers {
			fn(c)
		}
	}
}

// reached lets those go who wait for index.
func (r *Replica) reached(index uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if index <= r.index {
		return
	}
	r.index = index
	if r.image.index < index {
		r.image.index = index
	}
	close(r.moved)
	r.moved = make(chan struct{})
}

// WaitFor returns once the command at index was applied here and every watcher
// has seen its changes, or with ctx's error.
func (r *Replica) WaitFor(ctx context.Context, index uint64) error {
	for {
		r.mu.RLock()
		done, moved := r.index >= index, r.moved
		r.mu.RUnlock()
		if done {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("meta: waiting for index %d: %w", index, ctx.Err())
		}
	}
}

// Propose is the controller's, and waits until this replica shows the outcome
// (rule 3: what was freed before that would be found nowhere). When the error
// comes from waiting, Result.Index is set: the command was applied.
func (r *Replica) Propose(ctx context.Context, cmd Command) (Result, error) {
	res, err := r.controller.Propose(ctx, cmd)
	if err != nil {
		return res, err
	}
	return res, r.WaitFor(ctx, res.Index)
}

// Sync waits until the replica shows everything that was applied before the
// call: reads after it are linearizable.
func (r *Replica) Sync(ctx context.Context) error {
	index, err := r.controller.Barrier(ctx)
	if err != nil {
		return err
	}
	return r.WaitFor(ctx, index)
}

// Index of the last command that WaitFor would return for.
func (r *Replica) Index() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.index
}

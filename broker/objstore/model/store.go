package model

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidelog/tide/broker/objstore"
)

// Config of a modelled store. Zero values mean the defaults, which are those
// of objstore/s3.
type Config struct {
	// Service that is modelled.
	Service Service
	// Seed of what is random.
	Seed uint64
	// Part is the size in bytes above which an object is put in parts. Default
	// 32 MiB.
	Part int64
	// PartsInFlight of one object. Default 4.
	PartsInFlight int
	// Reads and Writes are requests in flight; more wait, by their class.
	// Defaults 64 and 16.
	Reads, Writes int
	// Attempts at a request that is answered 503. Default 5.
	Attempts int
	// RetryMax bounds the wait between them. Default 5 s.
	RetryMax time.Duration
	// Clock by which time passes. Default that of package time.
	Clock Clock
}

func (c Config) withDefaults() Config {
	def(&c.Part, 32<<20)
	def(&c.PartsInFlight, 4)
	def(&c.Reads, 64)
	def(&c.Writes, 16)
	def(&c.Attempts, 5)
	def(&c.RetryMax, 5*time.Second)
	if c.Clock == nil {
		c.Clock = NewClock()
	}
	return c
}

func def[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// op is a kind of request, named as objstore/s3 names it.
type op int

const (
	opPut op = iota
	opCreate
	opPart
	opComplete
	opGet
	opHead
	opList
	opDelete
	opCount
)

func (o op) String() string {
	return [opCount]string{"put", "create", "part", "complete", "get", "head", "list", "delete"}[o]
}

func (o op) kind() Kind {
	if o == opGet || o == opHead {
		return Read
	}
	return Write
}

// Store is an objstore.Store that takes as long as S3 would.
type Store struct {
	inner objstore.Store
	cfg   Config
	gates [2]*objstore.Gate // by Kind

	mu    sync.Mutex
	queue *Queue // guarded by mu

	attempts [opCount]objstore.Attempts
	late     atomic.Int64
	life     context.Context // ended by Close
	end      context.CancelFunc
}

// Wrap returns inner with the service's time. Closing it closes inner.
func Wrap(inner objstore.Store, cfg Config) (*Store, error) {
	if err := cfg.Service.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if cfg.Part < 1 || cfg.PartsInFlight < 1 || cfg.Attempts < 1 || cfg.RetryMax < 0 {
		return nil, fmt.Errorf("store model %s: part %d, %d parts in flight, %d attempts: at least 1 each",
			cfg.Service.Name, cfg.Part, cfg.PartsInFlight, cfg.Attempts)
	}
	s := &Store{inner: inner, cfg: cfg, queue: NewQueue(cfg.Service, cfg.Seed)}
	s.gates[Read], s.gates[Write] = objstore.NewGate(cfg.Reads, objstore.Spared{}), objstore.NewGate(cfg.Writes, objstore.Spared{})
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

// Simulated implements objstore.Simulated.
func (s *Store) Simulated() string { return fmt.Sprintf("%s, seed %d", s.cfg.Service, s.cfg.Seed) }

// Unwrap is the store inside; see objstore.As.
func (s *Store) Unwrap() objstore.Store { return s.inner }

// Late counts the requests for which the inner store took longer than the
// model: results with many of them are the inner store's.
func (s *Store) Late() int64 { return s.late.Load() }

// Gates are the places in flight, for reads and for writes.
func (s *Store) Gates() (reads, writes objstore.GateStats) {
	return s.gates[Read].Stats(), s.gates[Write].Stats()
}

// AttemptStats implements objstore.Attempter.
func (s *Store) AttemptStats() []objstore.AttemptStats {
	out := make([]objstore.AttemptStats, opCount)
	for o := range opCount {
		out[o] = s.attempts[o].Stats(o.String())
	}
	return out
}

// request makes one request with its repetitions, of up bytes sent and down
// bytes received. do is the real thing; it runs while the modelled time does.
func (s *Store) request(ctx context.Context, o op, key string, up, down int64, do func() error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.life, func() { cancel(objstore.ErrClosed) })()
	gate := s.gates[o.kind()]
	if _, err := gate.Enter(ctx); err != nil {
		return fmt.Errorf("%s %s: %w", o, key, err)
	}
	defer gate.Leave()
	for n := 1; ; n++ {
		start := s.cfg.Clock.Now()
		first, backoff, served := s.arrive(start, o, key, n)
		if served {
			return s.serve(ctx, start+s.cfg.Service.Transfer(up)+first, down, do)
		}
		if err := s.cfg.Clock.Sleep(ctx, start+first); err != nil {
			return fmt.Errorf("%s %s: %w", o, key, err)
		}
		if n == s.cfg.Attempts {
			return fmt.Errorf("%s %s: 503 on %d attempts: %w", o, key, n, objstore.ErrThrottled)
		}
		if err := s.cfg.Clock.Sleep(ctx, start+first+backoff); err != nil {
			return fmt.Errorf("%s %s: %w", o, key, err)
		}
	}
}

// arrive asks the queue about the n-th attempt, and counts it.
func (s *Store) arrive(now time.Duration, o op, key string, n int) (first, backoff time.Duration, served bool) {
	count := &s.attempts[o]
	count.Add(n > 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	first, served = s.queue.Arrive(now, o.kind(), key)
	if !served {
		count.Throttled()
		backoff = s.queue.Backoff(n, s.cfg.RetryMax)
	}
	return first, backoff, served
}

// serve does it, and waits until the model is done, too. What failed has no
// bytes to receive.
func (s *Store) serve(ctx context.Context, due time.Duration, down int64, do func() error) error {
	err := do()
	if err == nil {
		due += s.cfg.Service.Transfer(down)
	}
	if s.cfg.Clock.Now() > due {
		s.late.Add(1)
	}
	return errors.Join(err, s.cfg.Clock.Sleep(ctx, due))
}

func nothing() error { return nil }

// putParts puts the object once and lets the time of its parts pass beside it.
func (s *Store) putParts(ctx context.Context, key string, body objstore.Body) error {
	if err := s.request(ctx, opCreate, key, 0, 0, nothing); err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(s.cfg.PartsInFlight + 1)
	g.Go(func() error { return s.inner.Put(gctx, key, body) })
	for left := body.Size(); left > 0; left -= s.cfg.Part {
		g.Go(func() error { return s.request(gctx, opPart, key, min(left, s.cfg.Part), 0, nothing) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.request(ctx, opComplete, key, 0, 0, nothing)
}

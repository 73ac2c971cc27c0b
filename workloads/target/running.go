package target

import (
	"context"
	"errors"
	"maps"
)

// Running is a target under load, whatever it is.
//
//	Spec.Start ─▶ Running ── load goes to Kafka(), cost is read from the Meter ── Stop
type Running interface {
	Life
	Meter
	// Kafka is the address for clients, the same over all lives.
	Kafka() string
}

// Life is the process of a target. Its methods are for one goroutine, except
// Ended and LastWords.
type Life interface {
	// Kill ends the process as a crash would (SIGKILL) and waits until the
	// kernel has taken it down.
	Kill() error
	// Restart starts a dead process on the same data and the same addresses,
	// and returns once it serves again.
	Restart(ctx context.Context) error
	// Stop ends the process in order and everything that was started with it. A
	// dead one is no error.
	Stop() error
	// Ended is closed when the present process ends, by whatever cause; nil
	// when there is none, or none that could be watched.
	Ended() <-chan struct{}
	// LastWords is what the process said at its end.
	LastWords() string
}

// Meter is what a target counts and costs. Both may be called at any time and
// by any goroutine, also while the target is dead.
type Meter interface {
	// Metrics are the target's own counters; nil when it has none to read.
	Metrics(ctx context.Context) (Metrics, error)
	// Usage is the target's cost so far; zero when it is not known.
	Usage() Usage
}

// Cold is a Running that can be brought to where a reader that lags behind
// gets nothing from memory meant for tailing readers.
type Cold interface {
	// Settle waits until all records of the topics are where such a reader
	// would find them: in objects, in segments of a remote tier. stem is the
	// beginning of the topics' names.
	Settle(ctx context.Context, stem string) error
	// Forget frees what of them is kept in memory or on a local disk beside,
	// as far as it is settled. Everything a restart and dropping the page cache
	// would free as well may be left to those.
	Forget(ctx context.Context) error
}

// StartConfig is where a target that is started here has its files.
type StartConfig struct {
	// Binary is the path of tide, such as os.Executable(). Required.
	Binary string
	// Data is the directory of the target's data; the caller removes it.
	Data string
	// Log is the file to which the target's stderr goes.
	Log string
	// PartitionBytes is what the load will write to each partition, as far as it
	// is known, in bytes.
	PartitionBytes int64
}

// ColdInPlace is a Cold whose Forget leaves nothing but the page cache, so that
// nothing is gained by a restart, and something lost: a JVM that has just begun
// would be measured with its compiler at work.
type ColdInPlace interface {
	Cold
	ForgetsInPlace()
}

// Warmer is a Running that a late reader must not be the first to read from: a
// JVM would be measured with its compiler at work.
type Warmer interface {
	// Warm reads some of the topics' records once. What is read so is to be
	// forgotten before anything is measured.
	Warm(ctx context.Context, stem string) error
}

// Described is a Running that can say how it is configured.
type Described interface {
	// Describe returns the settings that a result is to show, by name.
	Describe() map[string]string
}

// Start brings the target up, and the store beside it, and returns once it
// serves.
func (s Spec) Start(ctx context.Context, cfg StartConfig) (Running, error) {
	if s.Address != "" {
		return remote{address: s.Address}, nil
	}
	l, err := parseLimits(s.Keys["cpus"], s.Keys["memory"])
	if err != nil {
		return nil, err
	}
	with, err := s.beside()
	if err != nil {
		return nil, err
	}
	at, err := with.start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	r, err := s.startAt(ctx, cfg, l, at)
	if err != nil {
		return nil, errors.Join(err, at.stop())
	}
	return r, nil
}

// startAt starts the target on a store that runs, and hands that over to it; nil:
// it has one of its own.
func (s Spec) startAt(ctx context.Context, cfg StartConfig, l *limits, at *store) (Running, error) {
	if s.Kind == Kafka || s.Kind == KafkaTiered {
		return s.startKafka(ctx, cfg, l, at)
	}
	c := Config{Binary: cfg.Binary, Log: cfg.Log, StopTimeout: stopTimeout, limits: l, beside: at}
	if at != nil {
		s.Flags = maps.Clone(s.Flags)
		s.Flags["store"], c.Env = at.url("tide"), at.env()
	}
	var err error
	if c.Args, err = s.Args(cfg.Data, walCapacity); err != nil {
		return nil, err
	}
	p, err := Start(ctx, c)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// remote runs already: it has no counters that could be trusted, and no
// process that could be seen.
type remote struct{ address string }

var errRemote = errors.New("the target was not started here, so its process cannot be touched")

func (r remote) Kafka() string                          { return r.address }
func (remote) Kill() error                              { return errRemote }
func (remote) Restart(context.Context) error            { return errRemote }
func (remote) Stop() error                              { return nil }
func (remote) Ended() <-chan struct{}                   { return nil }
func (remote) LastWords() string                        { return "" }
func (remote) Metrics(context.Context) (Metrics, error) { return nil, nil }
func (remote) Usage() Usage                             { return Usage{} }

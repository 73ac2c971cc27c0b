package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/tidelog/tide/cacheexp/trace"
)

const (
	batchLength = 512 // requests: 40 KiB, so that a batch stays in the processor's cache
	batches     = 4   // in flight
)

// Run simulates the cells on a trace and returns their rows in order. It reads
// the trace twice if a size is a share of the footprint, or if Belady's policy
// is asked for and the format does not tell the future; else once. It runs on
// GOMAXPROCS goroutines at most.
func Run(ctx context.Context, t Trace, cells []Cell) ([]Row, error) {
	if err := validate(t, cells); err != nil {
		return nil, err
	}
	s, err := look(ctx, t, cells)
	if err != nil {
		return nil, err
	}
	defer s.close()
	f, err := t.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Simulate(ctx, s.tell(f), t.Name(), cells, s.Footprint)
}

// Simulate puts a source to valid cells, once. The footprint is needed for
// sizes that are shares of it; name is that of the trace in the rows.
func Simulate(ctx context.Context, src Source, name string, cells []Cell, f Footprint) ([]Row, error) {
	caches := make([]*cache, len(cells))
	for i, c := range cells {
		var err error
		if caches[i], err = newCache(c, f); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := simulate(ctx, src, caches); err != nil {
		return nil, err
	}
	rows := make([]Row, len(caches))
	for i, c := range caches {
		rows[i] = c.row(name)
		rows[i].Lost = lost(src)
	}
	return rows, nil
}

func validate(t Trace, cells []Cell) error {
	errs := []error{t.Validate()}
	if len(cells) == 0 {
		errs = append(errs, errors.New("no policy and no size: nothing to simulate"))
	}
	for _, c := range cells {
		errs = append(errs, c.Validate())
	}
	return errors.Join(errs...)
}

// look surveys the trace if any cell needs it.
func look(ctx context.Context, t Trace, cells []Cell) (*survey, error) {
	wantNext := t.Format != trace.OracleGeneral && slices.ContainsFunc(cells, func(c Cell) bool { return c.Policy == Belady })
	if !wantNext && !slices.ContainsFunc(cells, Cell.relative) {
		return &survey{}, nil
	}
	f, err := t.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, err := newSurvey(wantNext)
	if err != nil {
		return nil, err
	}
	if err := s.read(ctx, f); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// batch is a run of requests that each worker looks at; the last one gives it
// back.
type batch struct {
	requests []Request
	n        int
	readers  atomic.Int32
}

// simulate reads the source once and puts its requests to all caches, which
// are shared out among the workers.
func simulate(ctx context.Context, src Source, caches []*cache) error {
	workers := min(runtime.GOMAXPROCS(0), len(caches))
	group, ctx := errgroup.WithContext(ctx)
	free := make(chan *batch, batches)
	for range batches {
		free <- &batch{requests: make([]Request, batchLength)}
	}
	queues := make([]chan *batch, workers)
	for w := range queues {
		queues[w] = make(chan *batch, batches)
		group.Go(func() error { return work(ctx, queues[w], free, nth(caches, w, workers)) })
	}
	group.Go(func() error { return feed(ctx, src, free, queues) })
	return group.Wait()
}

// nth is every n-th cache, from the first on.
func nth(caches []*cache, first, n int) (own []*cache) {
	for i := first; i < len(caches); i += n {
		own = append(own, caches[i])
	}
	return own
}

// feed decodes batches and gives each to all workers. A queue holds all batches
// that there are, so giving never waits.
func feed(ctx context.Context, src Source, free <-chan *batch, queues []chan *batch) error {
	defer func() {
		for _, q := range queues {
			close(q)
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b := <-free:
			n, err := src.Read(b.requests)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			b.n = n
			b.readers.Store(int32(len(queues)))
			for _, q := range queues {
				q <- b
			}
		}
	}
}

// work puts batches to the worker's own caches until the feed ends. After an
// error nothing is given back; then the feed sees that the context has ended.
func work(ctx context.Context, in <-chan *batch, free chan<- *batch, own []*cache) error {
	for b := range in {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, c := range own {
			if err := c.serve(b.requests[:b.n]); err != nil {
				return err
			}
		}
		if b.readers.Add(-1) == 0 {
			free <- b
		}
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/tidelog/tide/cacheexp/replay"
	"github.com/tidelog/tide/cacheexp/timed"
	"github.com/tidelog/tide/cacheexp/trace"
	"github.com/tidelog/tide/internal/storetime"
)

// timedRow is a row with what only a store that takes time shows.
type timedRow struct {
	replay.Row
	timed.Figures
	Simulated string `json:"simulated"` // the store's model, in its own words
}

// timedHeader names the columns behind those of replay.Header.
func timedHeader() []string {
	return []string{"accuracy", "coverage", "late", "late_wait_us", "pollution", "over_read", "gets_per_mib", "usd_per_gib", "p50_us", "p99_us"}
}

func (r timedRow) record() []string {
	out := r.Record()
	f := r.Figures
	for _, v := range []float64{
		f.Accuracy, f.Coverage, f.Late, f.LateWait, f.Pollution, f.OverRead, f.GETsPerMiB, f.USDPerGiB, f.P50, f.P99,
	} {
		out = append(out, strconv.FormatFloat(v, 'g', 6, 64))
	}
	return out
}

// until is a source that ends with a context's error.
type until struct {
	ctx context.Context
	timed.Source
	n int
}

// Next implements timed.Source. It looks at the context now and then.
func (u *until) Next() (trace.Access, error) {
	if u.n++; u.n%1024 == 1 && u.ctx.Err() != nil {
		return trace.Access{}, u.ctx.Err()
	}
	return u.Source.Next()
}

// timed replays the cells behind a model of a store. The catalog of the trace's
// blocks is made once and shared.
func (c *cacheSimCmd) timed(ctx context.Context, cells []replay.Cell) ([]timedRow, error) {
	service, err := storetime.Preset(c.StoreModel)
	if err != nil {
		return nil, usageError{err}
	}
	t := replay.Trace{Path: c.Trace, Format: c.Format}
	catalog, err := c.catalog(ctx, t)
	if err != nil {
		return nil, err
	}
	rows := make([]timedRow, len(cells))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, cell := range cells {
		group.Go(func() (err error) {
			rows[i], err = c.timedCell(ctx, t, catalog, cell, service)
			return err
		})
	}
	return rows, group.Wait()
}

func (c *cacheSimCmd) catalog(ctx context.Context, t replay.Trace) (*timed.Catalog, error) {
	in, err := t.Items()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return timed.NewCatalog(&until{ctx, in, 0})
}

func (c *cacheSimCmd) timedCell(ctx context.Context, t replay.Trace, catalog *timed.Catalog, cell replay.Cell, service storetime.Service) (timedRow, error) {
	capacity, err := cell.Capacity(replay.Footprint{Objects: catalog.Blocks(), Bytes: catalog.Bytes()})
	if err != nil {
		return timedRow{}, fmt.Errorf("%s: %w", t.Name(), err)
	}
	in, err := t.Items()
	if err != nil {
		return timedRow{}, err
	}
	defer in.Close()
	r, err := timed.Run(catalog, &until{ctx, in, 0}, timed.Config{
		Policy: cell.Policy, Prefetch: cell.Prefetch, Capacity: capacity, Objects: cell.Unit == replay.Objects,
		Service: service, Seed: c.Seed,
	})
	if err != nil {
		return timedRow{}, fmt.Errorf("%s: %w", t.Name(), err)
	}
	warnStalled(cell, r)
	return timedRow{
		Row: replay.Row{
			Trace: t.Name(), Policy: cell.Policy, Prefetch: cell.Prefetch, Size: capacity, Unit: cell.Unit,
			Requests: r.Requests, Misses: r.Misses, MissRatio: r.MissRatio(), ByteMissRatio: r.ByteMissRatio(), Lost: in.Lost(),
		},
		Figures: r.Figures(), Simulated: fmt.Sprintf("%s, seed %d", service, c.Seed),
	}, nil
}

// warnStalled says that a store was so slow that not even the accesses of readers
// that fell behind could be held: then the load was less than that of the trace.
func warnStalled(cell replay.Cell, r *timed.Result) {
	if r.Stalled > 0 {
		slog.Warn("readers fell so far behind that the whole trace waited for them: it asks for more than this store and cache serve",
			"policy", cell.Policy, "prefetch", cell.Prefetch, "waited", r.Stalled, "of", r.Took)
	}
}

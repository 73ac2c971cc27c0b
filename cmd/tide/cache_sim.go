package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/cacheexp/replay"
	"github.com/tidelog/tide/cacheexp/trace"
	"github.com/tidelog/tide/internal/units"
)

// cacheSimCmd is `tide cache sim`.
type cacheSimCmd struct {
	Trace      string      `help:"Trace to put to the caches; one that gzip has packed is read as it is." required:"" placeholder:"FILE"`
	Format     string      `help:"Of the trace: tide (tide broker --trace), csv (time,obj_id,obj_size with a header line) or oracleGeneral (libCacheSim's 24-byte records)." enum:"tide,csv,oracleGeneral" default:"tide"`
	Policy     []string    `help:"Eviction policies: those of tide broker, and belady, which knows the future. An unknown name lists them." default:"lru"`
	Size       []cacheSize `help:"Cache sizes: up to 1 a share of the trace's footprint (its distinct blocks, or their bytes; rounded down), above that in --unit, where bytes may be written as 64MiB." default:"0.01,0.1"`
	Unit       string      `help:"What sizes are counted in: objects (each block is 1) or bytes." enum:"objects,bytes" default:"objects"`
	Prefetch   []string    `help:"Prefetchers: those of tide broker, such as fixed:4, chunk:4MiB, rate. All but none need --store-model." default:"none"`
	StoreModel string      `help:"Replay in virtual time against a model of a store: s3-standard or s3-express. Adds accuracy, coverage, late (used blocks that had to be waited for), late_wait_us, pollution, over_read, gets_per_mib, usd_per_gib, p50_us and p99_us." placeholder:"MODEL"`
	Seed       uint64      `help:"Of the latencies of --store-model." default:"1"`
	CSV        bool        `name:"csv" help:"Print comma-separated values with a header line instead of a table." xor:"form"`
	JSON       bool        `name:"json" help:"Print one JSON object instead of a table." xor:"form"`
}

// cacheSize is a number, or a size as other flags take it.
type cacheSize struct {
	number float64
	text   string // as it was given, if with a unit of bytes
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *cacheSize) UnmarshalText(b []byte) error {
	if f, err := strconv.ParseFloat(string(b), 64); err == nil {
		*s = cacheSize{number: f}
		return nil
	}
	n, err := units.ParseSize(string(b))
	if err != nil {
		return fmt.Errorf("%w; or a share of the footprint up to 1", err)
	}
	*s = cacheSize{float64(n), string(b)}
	return nil
}

// cells are all combinations, in the order of the rows.
func (c *cacheSimCmd) cells() (cells []replay.Cell, err error) {
	var errs faults
	if len(c.Policy)*len(c.Prefetch)*len(c.Size) == 0 {
		errs.add(errors.New("--policy, --prefetch or --size is empty: nothing to simulate"))
	}
	for _, s := range c.Size {
		if s.text != "" && c.Unit != string(replay.Bytes) {
			errs.add(fmt.Errorf("--size %s is in bytes, and the cache is counted in %s: say --unit %s, or a number of blocks", s.text, c.Unit, replay.Bytes))
		}
	}
	for _, p := range c.Policy {
		for _, ahead := range c.Prefetch {
			for _, size := range c.Size {
				cell := replay.Cell{Policy: p, Prefetch: ahead, Size: size.number, Unit: replay.Unit(c.Unit)}
				errs.add(c.check(cell))
				cells = append(cells, cell)
			}
		}
	}
	return cells, errors.Join(errs...)
}

// faults are errors, each said once however many cells have it.
type faults []error

func (f *faults) add(err error) {
	if err != nil && !slices.ContainsFunc(*f, func(o error) bool { return o.Error() == err.Error() }) {
		*f = append(*f, err)
	}
}

// check reports what is wrong with a cell. A simulation without time has no
// prefetchers, one with it has no policy that knows the future.
func (c *cacheSimCmd) check(cell replay.Cell) error {
	if c.StoreModel == "" {
		return cell.Validate()
	}
	_, err := prefetch.New(cell.Prefetch)
	if cell.Policy == replay.Belady {
		err = errors.Join(err, fmt.Errorf("%s: with --store-model the order of requests depends on what is missed, so nobody knows the future", cell.Policy))
	}
	cell.Prefetch = ""
	return errors.Join(err, cell.Validate())
}

// Run prints a row for each policy, prefetcher and size.
func (c *cacheSimCmd) Run(ctx context.Context, std *stdio) error {
	cells, err := c.cells()
	if err != nil {
		return usageError{err}
	}
	if c.StoreModel != "" {
		rows, err := c.timed(ctx, cells)
		if err != nil {
			return c.otherFormat(err)
		}
		warnLost(c.Trace, rows[0].Lost, rows[0].Requests)
		return printSim(c, std, append(replay.Header(), timedHeader()...), rows, timedRow.record)
	}
	rows, err := replay.Run(ctx, replay.Trace{Path: c.Trace, Format: c.Format}, cells)
	if err != nil {
		return c.otherFormat(err)
	}
	warnLost(c.Trace, rows[0].Lost, rows[0].Requests)
	return printSim(c, std, replay.Header(), rows, replay.Row.Record)
}

// otherFormat adds to an error about the default format that there are others.
func (c *cacheSimCmd) otherFormat(err error) error {
	if c.Format == replay.Tide && errors.Is(err, trace.ErrFormat) {
		return fmt.Errorf("%w; if it is of another kind, say --format csv or --format oracleGeneral", err)
	}
	return err
}

// warnLost says that the trace is not all that was asked of the cache.
func warnLost(file string, lost, read int64) {
	if lost > 0 {
		slog.Warn("the trace is not whole: accesses came faster than they could be recorded", "trace", file, "lost", lost, "read", read)
	}
}

// printSim prints rows in the form that was asked for.
func printSim[R any](c *cacheSimCmd, std *stdio, header []string, rows []R, record func(R) []string) error {
	if c.JSON {
		return json.NewEncoder(std.out).Encode(map[string]any{"rows": rows})
	}
	lines := [][]string{header}
	for _, r := range rows {
		lines = append(lines, record(r))
	}
	if c.CSV {
		return csv.NewWriter(std.out).WriteAll(lines)
	}
	tw := table.NewWriter()
	tw.SetStyle(table.StyleRounded)
	tw.Style().Format.Header = text.FormatDefault
	tw.AppendHeader(tableRow(lines[0]))
	for _, l := range lines[1:] {
		tw.AppendRow(tableRow(l))
	}
	fmt.Fprintln(std.out, tw.Render())
	return nil
}

func tableRow(cells []string) (row table.Row) {
	for _, c := range cells {
		row = append(row, c)
	}
	return row
}

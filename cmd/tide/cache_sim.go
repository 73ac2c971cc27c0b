package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/tidelog/tide/cacheexp/replay"
)

// cacheSimCmd is `tide cache sim`.
type cacheSimCmd struct {
	Trace  string    `help:"Trace to put to the caches; one that gzip has packed is read as it is." required:"" placeholder:"FILE"`
	Format string    `help:"Of the trace: tide (tide broker --trace), csv (time,obj_id,obj_size with a header line) or oracleGeneral (libCacheSim's 24-byte records)." enum:"tide,csv,oracleGeneral" default:"tide"`
	Policy []string  `help:"Eviction policies: 2q, arc, belady (knows the future), clock, fifo, lirs, lru, s3fifo, sieve, slru, wtinylfu." default:"lru"`
	Size   []float64 `help:"Cache sizes: up to 1 a share of the trace's footprint (its distinct blocks, or their bytes; rounded down), above that in --unit." default:"0.01,0.1"`
	Unit   string    `help:"What sizes are counted in: objects (each block is 1) or bytes." enum:"objects,bytes" default:"objects"`
	CSV    bool      `name:"csv" help:"Print comma-separated values with a header line instead of a table." xor:"form"`
	JSON   bool      `name:"json" help:"Print one JSON object instead of a table." xor:"form"`
}

// cells are all combinations, in the order of the rows.
func (c *cacheSimCmd) cells() (cells []replay.Cell, err error) {
	var errs []error
	for _, p := range c.Policy {
		for _, size := range c.Size {
			cell := replay.Cell{Policy: p, Size: size, Unit: replay.Unit(c.Unit)}
			errs = append(errs, cell.Validate())
			cells = append(cells, cell)
		}
	}
	return cells, errors.Join(errs...)
}

// Run prints a row for each policy and size.
func (c *cacheSimCmd) Run(ctx context.Context, std *stdio) error {
	cells, err := c.cells()
	if err != nil {
		return usageError{err}
	}
	rows, err := replay.Run(ctx, replay.Trace{Path: c.Trace, Format: c.Format}, cells)
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		return json.NewEncoder(std.out).Encode(map[string]any{"rows": rows})
	case c.CSV:
		return printCSV(std, rows)
	}
	return printTable(std, rows)
}

func printCSV(std *stdio, rows []replay.Row) error {
	w := csv.NewWriter(std.out)
	lines := [][]string{replay.Header()}
	for _, r := range rows {
		lines = append(lines, r.Record())
	}
	return w.WriteAll(lines)
}

func printTable(std *stdio, rows []replay.Row) error {
	w := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(cells []string) {
		for _, c := range cells {
			fmt.Fprint(w, c, "\t")
		}
		fmt.Fprintln(w)
	}
	line(replay.Header())
	for _, r := range rows {
		line(r.Record())
	}
	return w.Flush()
}

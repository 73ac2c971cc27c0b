package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/tidelog/tide/cacheexp/replay"
	"github.com/tidelog/tide/internal/units"
)

// cacheSimCmd is `tide cache sim`.
type cacheSimCmd struct {
	Trace  string      `help:"Trace to put to the caches; one that gzip has packed is read as it is." required:"" placeholder:"FILE"`
	Format string      `help:"Of the trace: tide (tide broker --trace), csv (time,obj_id,obj_size with a header line) or oracleGeneral (libCacheSim's 24-byte records)." enum:"tide,csv,oracleGeneral" default:"tide"`
	Policy []string    `help:"Eviction policies: those of tide broker, and belady, which knows the future. An unknown name lists them." default:"lru"`
	Size   []cacheSize `help:"Cache sizes: up to 1 a share of the trace's footprint (its distinct blocks, or their bytes; rounded down), above that in --unit, where bytes may be written as 64MiB." default:"0.01,0.1"`
	Unit   string      `help:"What sizes are counted in: objects (each block is 1) or bytes." enum:"objects,bytes" default:"objects"`
	CSV    bool        `name:"csv" help:"Print comma-separated values with a header line instead of a table." xor:"form"`
	JSON   bool        `name:"json" help:"Print one JSON object instead of a table." xor:"form"`
}

// cacheSize is a number, or a size as other flags take it.
type cacheSize float64

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *cacheSize) UnmarshalText(b []byte) error {
	if f, err := strconv.ParseFloat(string(b), 64); err == nil {
		*s = cacheSize(f)
		return nil
	}
	n, err := units.ParseSize(string(b))
	if err != nil {
		return fmt.Errorf("%w; or a share of the footprint up to 1", err)
	}
	*s = cacheSize(n)
	return nil
}

// cells are all combinations, in the order of the rows.
func (c *cacheSimCmd) cells() (cells []replay.Cell, err error) {
	var errs []error
	for _, p := range c.Policy {
		for _, size := range c.Size {
			cell := replay.Cell{Policy: p, Size: float64(size), Unit: replay.Unit(c.Unit)}
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
	if lost := rows[0].Lost; lost > 0 {
		slog.Warn("the trace is not whole: accesses came faster than they could be recorded", "trace", c.Trace, "lost", lost, "read", rows[0].Requests)
	}
	switch {
	case c.JSON:
		return json.NewEncoder(std.out).Encode(map[string]any{"rows": rows})
	case c.CSV:
		return printSimCSV(std, rows)
	}
	printSimTable(std, rows)
	return nil
}

func printSimCSV(std *stdio, rows []replay.Row) error {
	lines := [][]string{replay.Header()}
	for _, r := range rows {
		lines = append(lines, r.Record())
	}
	return csv.NewWriter(std.out).WriteAll(lines)
}

func printSimTable(std *stdio, rows []replay.Row) {
	tw := table.NewWriter()
	tw.SetStyle(table.StyleRounded)
	tw.Style().Format.Header = text.FormatDefault
	tw.AppendHeader(tableRow(replay.Header()))
	for _, r := range rows {
		tw.AppendRow(tableRow(r.Record()))
	}
	fmt.Fprintln(std.out, tw.Render())
}

func tableRow(cells []string) (row table.Row) {
	for _, c := range cells {
		row = append(row, c)
	}
	return row
}

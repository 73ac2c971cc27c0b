package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/bench"
	"github.com/tidelog/tide/iopath/open"
)

func init() {
	register("iopath", "Measure ways of writing to a file or device, without a WAL above.", &iopathCmd{})
}

// iopathCmd is `tide iopath`.
type iopathCmd struct {
	Bench iopathBenchCmd `cmd:"" help:"Raw block writes at a block size and a depth; with --fio, fio beside them in turn."`
}

// iopathBenchCmd is `tide iopath bench`.
type iopathBenchCmd struct {
	WAL       string        `name:"wal" required:"" help:"WAL URL: uring:PATH, pwrite:PATH, fsync:PATH or mem:, with its keys. A file that does not exist is made, of 1 GiB unless capacity= says otherwise." placeholder:"URL"`
	Block     units.Bytes   `help:"Size of a write, in bytes. Default: the URL's block, or 4KiB." placeholder:"SIZE"`
	Depth     int           `help:"Writes in flight. Default: the URL's depth, or 8." placeholder:"N"`
	Duration  time.Duration `help:"How long to measure, after a tenth of it to warm up." default:"10s"`
	Fio       bool          `help:"Run fio in turn on the same file: batched io_uring, and psync from as many threads as the depth."`
	Overwrite bool          `help:"Write over a file or device that holds something, such as a WAL; what it holds is lost."`
	JSON      bool          `name:"json" help:"Print one JSON object instead of text."`
}

// benchCapacity of a file that is made, in bytes.
const benchCapacity = 1 << 30

// blockedThreads is what GOMAXPROCS has beyond the depth: a thread that is
// blocked in pwrite holds its P for a while, and with fewer a pool starves.
const blockedThreads = 8

// Run measures, and prints to standard output.
func (c *iopathBenchCmd) Run(ctx context.Context, std *stdio) error {
	spec, err := c.spec()
	if err != nil {
		return usageError{err}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(spec.Depth + blockedThreads))
	r, capacity, err := c.measure(ctx, spec)
	if err != nil {
		return err
	}
	if c.Fio {
		if err := (bench.Fio{}).Compare(ctx, spec, capacity, &r); err != nil {
			return err
		}
	}
	if c.JSON {
		e := json.NewEncoder(std.out)
		e.SetEscapeHTML(false) // a WAL URL has an &, and is read by people too
		return e.Encode(r)
	}
	printIopath(std, r)
	return nil
}

var errFioCannot = errors.New("--fio writes to a file or device as it is: use no mem:, model=, iops= or rate= with it")

// fioCan says whether fio can write to what the URL names, in the same way.
func fioCan(spec iopath.Spec) bool {
	return spec.File != "" && !spec.Simulated() && spec.IOPS == 0 && spec.Rate == 0
}

// spec is the URL with the flags that override it.
func (c *iopathBenchCmd) spec() (iopath.Spec, error) {
	spec, err := iopath.ParseURL(c.WAL)
	if err != nil {
		return spec, err
	}
	if c.Depth < 0 || c.Depth > iopath.MaxDepth {
		return spec, fmt.Errorf("--depth %d: want 1 to %d", c.Depth, iopath.MaxDepth)
	}
	if c.Duration <= 0 {
		return spec, errors.New("--duration: want more than 0")
	}
	if c.Fio && !fioCan(spec) {
		return spec, errFioCannot
	}
	spec.Depth = cmp.Or(c.Depth, spec.Depth, 8)
	spec.BlockSoft = cmp.Or(int64(c.Block), spec.BlockSoft, iopath.BlockSize)
	spec.BlockHard = max(spec.BlockHard, spec.BlockSoft)
	if spec.BlockSoft < 0 || spec.BlockSoft%iopath.BlockSize != 0 {
		return spec, fmt.Errorf("--block %s: want a multiple of %s", c.Block, units.Size(iopath.BlockSize))
	}
	return spec, nil
}

// measure closes the path before it returns: fio has the file to itself.
func (c *iopathBenchCmd) measure(ctx context.Context, spec iopath.Spec) (r bench.Result, capacity int64, err error) {
	p, err := open.Path(spec, open.Options{
		ArenaSize: bench.ArenaSize(spec.BlockSoft, spec.Depth), Capacity: benchCapacity, Logger: slog.Default(),
	})
	if err != nil {
		return r, 0, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	r, err = bench.Run(ctx, p, bench.Config{Block: spec.BlockSoft, Duration: c.Duration, Overwrite: c.Overwrite})
	r.WAL = spec.String()
	return r, p.Geometry().Capacity, err
}

func printIopath(std *stdio, r bench.Result) {
	fmt.Fprintf(std.out, "%s\n", r.WAL)
	if r.Simulated != "" {
		fmt.Fprintf(std.out, "SIMULATED         %s\n", r.Simulated)
	}
	fmt.Fprintf(std.out, "durability        %s\nblock, depth      %s, %d (GOMAXPROCS %d)\n", r.Durability, units.Size(r.Block), r.Depth, r.GOMAXPROCS)
	fmt.Fprintf(std.out, "writes            %.0f/s, %.1f MiB/s\n", r.IOPS, r.MiBPerS)
	fmt.Fprintf(std.out, "latency µs        p50 %.0f  p99 %.0f  p99.9 %.0f  max %.0f\n", r.P50US, r.P99US, r.P999US, r.MaxUS)
	fmt.Fprintf(std.out, "CPU µs a write    %.1f\n", r.CPUUSPerIO)
	if f := r.Comparison; f != nil {
		fmt.Fprintf(std.out, "fio io_uring      %.0f/s, p50 %.0f  p99 %.0f, CPU %.1f\n", f.FioIOPS, f.FioP50US, f.FioP99US, f.FioCPUUSPerIO)
		fmt.Fprintf(std.out, "fio psync × depth %.0f/s, p50 %.0f  p99 %.0f, CPU %.1f\n", f.FioPsyncIOPS, f.FioPsyncP50US, f.FioPsyncP99US, f.FioPsyncUSPerIO)
		fmt.Fprintf(std.out, "ratio             %.2f\n", f.Ratio)
	}
}

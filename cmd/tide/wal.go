package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tidelog/tide/broker/wal"
	"github.com/tidelog/tide/broker/wal/inspect"
	"github.com/tidelog/tide/broker/wal/walbench"
	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/open"
)

func init() {
	register("wal", "Measure the write-ahead log, or look into one.", &walCmd{})
}

// walCmd is `tide wal`.
type walCmd struct {
	Bench  walBenchCmd  `cmd:"" help:"Appends through the sliding window until they are durable: closed loop, or open loop with --rate."`
	Dump   walDumpCmd   `cmd:"" help:"Print the header and each live record as JSON lines. Reads only, also beside a running broker."`
	Verify walVerifyCmd `cmd:"" help:"Scan as recovery does and print counts and damage; exit 1 on damage. Reads only."`
}

// walBenchCmd is `tide wal bench`.
type walBenchCmd struct {
	WAL       string        `name:"wal" required:"" help:"WAL URL: uring:PATH, pwrite:PATH, fsync:PATH or mem:, with its keys. A file that does not exist is made, of 1 GiB unless capacity= says otherwise." placeholder:"URL"`
	Record    units.Bytes   `help:"Payload of a record, in bytes; it takes 57 more." default:"1KiB" placeholder:"SIZE"`
	Appenders int           `help:"How many append at the same time." default:"64" placeholder:"N"`
	Rate      units.Rate    `help:"Open loop at this rate, in records (5000/s) or payload (20MiB/s), on a schedule that is never re-based. Default: closed loop." placeholder:"RATE"`
	Duration  time.Duration `help:"How long to measure, after a tenth of it, at least 1s, to warm up." default:"10s"`
	Procs     int           `name:"gomaxprocs" help:"GOMAXPROCS of the run. Default: the path's depth + 8." placeholder:"N"`
	Fio       bool          `help:"Run fio in turn on the same file, with the log's mean write and mean depth."`
	Overwrite bool          `help:"Write over a file or device that holds something, such as a broker's WAL; what it holds is lost."`
	JSON      bool          `name:"json" help:"Print one JSON object instead of text."`
}

// Run measures, and prints to standard output.
func (c *walBenchCmd) Run(ctx context.Context, std *stdio) error {
	spec, err := iopath.ParseURL(c.WAL)
	if err != nil {
		return usageError{err}
	}
	if c.Fio && !fioCan(spec) {
		return usageError{errFioCannot}
	}
	measured, capacity, err := c.measure(ctx, std, spec)
	if err != nil {
		return err
	}
	r := walReport{Result: measured}
	if c.Fio {
		if r.Comparison, err = besideFio(ctx, spec, capacity, r.Result); err != nil {
			return err
		}
		r.FioBlockBytes, r.FioDepth = fioBlock(measured), fioDepth(measured)
	}
	if r.queueComparison, err = besideQueue(spec, r.Result); err != nil {
		return err
	}
	return c.print(std, r)
}

// measure closes the path before it returns: fio has the file to itself.
func (c *walBenchCmd) measure(ctx context.Context, std *stdio, spec iopath.Spec) (r walbench.Result, capacity int64, err error) {
	cfg := walbench.Config{
		WAL: wal.FromSpec(spec), Name: spec.String(), Record: int(c.Record), Appenders: c.Appenders,
		Rate: c.rate(), Duration: c.Duration, Overwrite: c.Overwrite, Procs: c.Procs,
	}
	spec.Depth = wal.PathDepth(spec)
	if cfg.Procs == 0 {
		cfg.Procs = spec.Depth + blockedThreads
	}
	p, err := open.Path(spec, open.Options{Capacity: benchCapacity, Logger: slog.Default()})
	if err != nil {
		return r, 0, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	cfg.WAL.Path = p
	if err := cfg.Validate(); err != nil {
		return r, 0, usageError{err}
	}
	bar := newProgress(std.err)
	defer bar.close()
	cfg.Progress = bar.Step
	r, err = walbench.Run(ctx, cfg)
	return r, p.Geometry().Capacity, err
}

// rate is in records a second.
func (c *walBenchCmd) rate() int64 {
	if c.Rate.IsBytes && c.Record > 0 {
		return c.Rate.PerSecond / int64(c.Record)
	}
	return c.Rate.PerSecond
}

func (c *walBenchCmd) print(std *stdio, r walReport) error {
	if c.JSON {
		if err := json.NewEncoder(std.out).Encode(r); err != nil {
			return err
		}
	} else {
		r.print(std.out)
	}
	if r.Verdict == walbench.Invalid {
		fmt.Fprintf(std.err, "tide: %s: %s\n", r.Verdict, r.Reason)
		return errInvalid
	}
	return nil
}

// walDumpCmd is `tide wal dump`.
type walDumpCmd struct {
	Path    string `arg:"" help:"File or block device."`
	Lenient bool   `help:"Step over stale bytes behind a block's last record, as logs need that AutoMQ wrote."`
	JSON    bool   `name:"json" help:"JSON lines: the only form there is, so this changes nothing."`
}

// Run prints as it reads: a log may be larger than memory.
func (c *walDumpCmd) Run(ctx context.Context, std *stdio) error {
	out := bufio.NewWriter(std.out)
	lines := json.NewEncoder(out)
	r, err := inspect.File(ctx, c.Path, inspect.Options{
		Lenient: c.Lenient,
		Header: func(h *inspect.Header) error {
			return lines.Encode(struct {
				Header *inspect.Header `json:"header"`
			}{h})
		},
		Record: func(x inspect.Record) error { return lines.Encode(x) },
	})
	for _, d := range r.Damage {
		fmt.Fprintf(std.err, "damage: %s\n", d)
	}
	return errors.Join(err, out.Flush())
}

// walVerifyCmd is `tide wal verify`.
type walVerifyCmd struct {
	Path    string `arg:"" help:"File or block device."`
	Lenient bool   `help:"Step over stale bytes behind a block's last record, as logs need that AutoMQ wrote."`
	JSON    bool   `name:"json" help:"Print one JSON object instead of text."`
}

// Run prints what it found, also of a log that is damaged.
func (c *walVerifyCmd) Run(ctx context.Context, std *stdio) error {
	r, err := inspect.File(ctx, c.Path, inspect.Options{Lenient: c.Lenient})
	if err != nil && !errors.Is(err, inspect.ErrDamaged) && !errors.Is(err, inspect.ErrBusy) {
		return err
	}
	if c.JSON {
		return errors.Join(err, json.NewEncoder(std.out).Encode(r))
	}
	r.Print(std.out)
	return err
}

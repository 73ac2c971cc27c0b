// Package demo is the main job from end to end, on one machine and with one
// command: a broker as a child process, a fixed rate of records, a reader that
// catches up out of objects, a crash, and a proof that nothing was lost.
//
//	0 %      10 %                 40 %                 70 %              100 %
//	 │ warm-up │ tail               │ catch-up           │ kill             │
//	 │         │                    │ drop log cache,    │ SIGKILL, restart │ drain,
//	 │         │                    │ read from offset 0 │ on the same WAL  │ verify
//	 └─────────┴──── one open-loop schedule, never re-based ────────────────┘
//
// A phase whose work takes longer than its share lasts until that is done, and
// the schedule with it: the broker is killed under load on any machine.
//
// # Verdict
//
// In the phases tail and catch-up at least 99 % of the sends that were due
// must be acknowledged within the phase. In the phase kill they cannot be: for
// as long as the broker is down nothing is acknowledged. There every send must
// be acknowledged in the end, within the drain that follows the schedule; the
// phase lasts until then, and its response times, which count from the
// intended time, show the whole outage.
//
// The catch-up is valid only if at least 95 % of the records that were
// committed to objects when it began came to it from objects: the broker's
// counters say so, and the log cache's committed blocks are dropped before.
//
// At the end a fresh reader reads every partition from offset 0: every
// acknowledged record is there exactly once, in order, with its CRC intact.
// What the tailing group saw is held to the same, before and after the crash.
package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/report"
	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/replay"
	"github.com/tidelog/tide/workloads/session"
	"github.com/tidelog/tide/workloads/target"
)

// Config of a demo.
type Config struct {
	// Binary is the path of tide. Required.
	Binary string
	// Out is the directory in which the trial's directory is made, and for the
	// time of the run the broker's data. Default ./tide-runs.
	Out string
	// Duration of all phases together. Default 20 s, at least 10 s: below, no
	// phase holds enough uploads.
	Duration time.Duration
	// WAL URL; an empty path becomes a file in the data directory. Default
	// pwrite: with 512 MiB.
	WAL string
	// Progress is told what goes on. Required.
	Progress Progress
}

// Progress shows a person where the demo is.
type Progress interface {
	// Step begins something of known length; 0: until it is done.
	Step(name string, length time.Duration)
}

// The broker's settings and the load: small enough for a laptop, and such that
// uploads happen about once a second.
const (
	walCapacity = "512MiB"
	valueSize   = 4096
	rate        = 2000 // records/s: 7.8 MiB/s
	partitions  = 16
)

var brokerFlags = map[string]string{
	"log-cache": "32MiB", "block-cache": "128MiB", "upload-threshold": "8MiB", "upload-interval": "2s",
}

// Limits on what may take its time.
const (
	readyTimeout   = time.Minute
	setupTimeout   = 20 * time.Second
	stallTimeout   = 30 * time.Second // of a catch-up from which nothing comes
	catchUpTimeout = 2 * time.Minute
	drainTimeout   = 30 * time.Second // of the last acknowledgements
	verifyTimeout  = 60 * time.Second
	// The phases may take so long beyond Duration: a catch-up, a restart, and
	// the wait for what is acknowledged next.
	overtime    = catchUpTimeout + readyTimeout + drainTimeout
	minDuration = 10 * time.Second
	maxDuration = 10 * time.Minute // the data directory stays below 6 GiB
)

func (c Config) withDefaults() Config {
	if c.Out == "" {
		c.Out = "tide-runs"
	}
	if c.Duration == 0 {
		c.Duration = 20 * time.Second
	}
	return c
}

// Validate reports every fault.
func (c Config) Validate() error {
	var errs []error
	if c.Duration < minDuration || c.Duration > maxDuration {
		errs = append(errs, fmt.Errorf("duration is %v, want %v to %v", c.Duration, minDuration, maxDuration))
	}
	if _, err := iopath.FillURL(c.WAL, ".", walCapacity); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// demo is one run.
type demo struct {
	cfg     Config
	data    string // the broker's directory, removed at the end
	log     string // the broker's stderr
	wal     string
	broker  *target.Process
	clock   *load.Clock
	load    *load.Load
	session *session.Session
}

// Run does it all and returns the trial, read back from its files, with
// report.html made. An error means that there is no trial.
func Run(ctx context.Context, cfg Config) (*results.Trial, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	d := &demo{cfg: cfg, clock: load.NewClock()}
	dir := filepath.Join(cfg.Out, "demo-"+time.Now().UTC().Format("20060102-150405.000"))
	if err := d.run(ctx, dir); err != nil {
		return nil, err
	}
	cfg.Progress.Step("drawing the report", 0)
	trial, err := results.Load(dir)
	if err != nil {
		return nil, err
	}
	_, err = report.Write(trial)
	return trial, err
}

func (d *demo) run(ctx context.Context, dir string) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	// Beside the results, not in /tmp: that is memory on many machines, where
	// direct I/O may be refused and a disk is not measured.
	if d.data, err = os.MkdirTemp(d.cfg.Out, ".demo-data-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.data)) }()
	d.log = filepath.Join(dir, "broker.log")
	if err := d.startBroker(ctx); err != nil {
		return errors.Join(err, os.RemoveAll(dir)) // it holds nothing but the log, which the error has told
	}
	defer func() { err = errors.Join(err, d.broker.Stop()) }()
	if err := d.startSession(ctx, dir); err != nil {
		return err
	}
	if err := d.phases(ctx); err != nil {
		return errors.Join(err, d.session.Abandon())
	}
	return d.session.Close()
}

func (d *demo) startBroker(ctx context.Context) error {
	d.cfg.Progress.Step("starting the broker, zero-filling a new WAL", 0)
	flags := map[string]string{"wal": d.cfg.WAL}
	for k, v := range brokerFlags {
		flags[k] = v
	}
	spec := target.Spec{Flags: flags}
	args, err := spec.Args(d.data, walCapacity)
	if err != nil {
		return err
	}
	d.wal = args[3] // --data DIR --wal URL
	d.broker, err = target.Start(ctx, target.Config{Binary: d.cfg.Binary, Args: args, Log: d.log, ReadyTimeout: readyTimeout})
	return err
}

func (d *demo) startSession(ctx context.Context, dir string) error {
	rec := load.NewRecorder()
	var err error
	d.load, err = load.New(load.Config{
		Brokers: []string{d.broker.Kafka()}, Topic: "demo", Partitions: partitions,
		Producers: 4, Consumers: 1, Group: "demo-tail", Rate: rate, ValueSize: valueSize,
	}, d.clock, rec)
	if err != nil {
		return err
	}
	setup, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	if err := d.load.CreateTopics(setup); err != nil {
		return err
	}
	durability, err := target.Durability(d.wal)
	if err != nil {
		return err
	}
	d.session, err = session.Open(session.Config{
		Dir: dir, Env: d.data, Clock: d.clock, Rec: rec, Load: d.load, Target: d.broker,
		Run: results.Run{
			Workload: "demo", Target: "tide", Seed: d.load.Config().Seed,
			Durability: durability, Config: d.describe(), Command: d.command(),
		},
	})
	return err
}

// command is what makes the trial again.
func (d *demo) command() string {
	cmd := "tide demo --duration " + d.cfg.Duration.String()
	if d.cfg.WAL != "" {
		cmd += " --wal '" + d.cfg.WAL + "'"
	}
	return cmd
}

// describe is the resolved configuration of run.json.
func (d *demo) describe() map[string]string {
	out := map[string]string{
		"demo.duration": d.cfg.Duration.String(), "broker.wal": filepath.Base(d.wal), "load.catch_up_process": replay.Setting,
	}
	if scheme, err := iopath.FillURL(d.cfg.WAL, "", walCapacity); err == nil {
		out["broker.wal"] = scheme // without the temporary directory
	}
	for k, v := range brokerFlags {
		out["broker."+k] = v
	}
	c := d.load.Config()
	for k, v := range map[string]int{
		"partitions": c.Partitions, "producers": c.Producers, "consumers": c.Consumers,
		"value_bytes": c.ValueSize, "rate_per_s": int(c.Rate), "batch_bytes": c.BatchBytes, "in_flight_bytes": c.InFlight,
	} {
		out["load."+k] = strconv.Itoa(v)
	}
	out["load.acks"], out["load.linger"], out["load.group"] = c.Acks, c.Linger.String(), c.Group
	return out
}

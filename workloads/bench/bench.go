// Package bench runs one workload against one target: one trial.
//
//	open loop    (fill │ upload) warm-up │ run │ catch-up │ run-2 │ … │ drain │ verify
//	closed loop  warm-up │ run ............ │ drain │ verify
//	  back-log   warm-up │ backlog-build │ backlog-drain │ run │ drain │ verify
//	back-log     fill (closed loop) │ upload │ catch-up, out of objects, verified │ cold fetches
//
// A broker that bench starts itself has its data beside the results, on the
// same disk, and is gone at the end. CPU per GiB is that of the phase named,
// not of the whole trial. What happens to the target while a load goes on by its
// schedule is a happening; the phases in between bear the name of the run.
package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/report"
	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/driver"
	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/replay"
	"github.com/tidelog/tide/workloads/session"
	"github.com/tidelog/tide/workloads/target"
)

// Config of one trial.
type Config struct {
	// Binary is the path of tide, for targets that are started here. Required.
	Binary string
	// Out is where the trial's directory is made. Default ./tide-runs.
	Out string
	// Workload and Target, already parsed. Required.
	Workload workloads.Workload
	Target   target.Spec
	// Driver puts the settings of a client over the workload's; nil for none.
	Driver *driver.Driver
	// TargetConfig is where Target has settings from that it does not name; nil
	// for none.
	TargetConfig *target.Settings
	// Quick shortens warm-up and run to seconds; the verdict is QUICK at best.
	Quick bool
	// Search looks for the highest rate that holds the limit, in place of one
	// trial at the workload's rate; nil for none.
	Search *Limit
	// Progress is told what goes on. Required.
	Progress Progress

	probe bool // of a search
}

// Progress shows a person where the trial is.
type Progress interface {
	// Step begins something of known length; 0: until it is done.
	Step(name string, length time.Duration)
}

// Limits of --quick and on what may take its time.
const (
	quickWarmUp   = 10 * time.Second
	quickRun      = 20 * time.Second
	setupTimeout  = 30 * time.Second
	drainTimeout  = 60 * time.Second
	uploadTimeout = 3 * time.Minute // after the last send, until all of it is in objects
	readTimeout   = time.Hour
)

// trial is one run.
type trial struct {
	cfg     Config
	dir     string // of the results
	data    string // of the broker, removed at the end; "" for a remote target
	held    *dataDir
	target  target.Running
	clock   *load.Clock
	load    *load.Load
	session *session.Session
	fence   *target.LoadLimit // of this process, which is the load; nil: none

	producers *load.Producers // of a load by a schedule, once it has begun
	tail      *load.Readers   // beside it
	filled    int64           // records that were there before it
}

// Run does it and returns the trial, read back from its files, with
// report.html made. An error means that there is no trial. That of a search is
// the trial of the highest rate that held.
func Run(ctx context.Context, cfg Config) (*results.Trial, error) {
	if cfg.Workload.Backlog() > 0 && cfg.Target.Discards() {
		return nil, fmt.Errorf("%s on %s: the target keeps no back-log that could be read", cfg.Workload.Name, cfg.Target.Text)
	}
	if cfg.Out == "" {
		cfg.Out = "tide-runs"
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Search != nil {
		return newSearch(cfg).run(ctx)
	}
	return one(ctx, cfg)
}

// one trial.
func one(ctx context.Context, cfg Config) (*results.Trial, error) {
	if cfg.Workload.BreaksStore() {
		cfg.Target, _ = cfg.Target.WithFaults() // Check has said that it can
	}
	t := &trial{cfg: cfg, clock: load.NewClock(), dir: filepath.Join(cfg.Out, id(cfg, time.Now()))}
	if err := t.run(ctx); err != nil {
		return nil, fmt.Errorf("%s on %s: %w", cfg.Workload.Name, cfg.Target.Name(), err)
	}
	cfg.Progress.Step("drawing the report", 0)
	loaded, err := results.Load(t.dir)
	if err != nil {
		return nil, err
	}
	_, err = report.Write(loaded)
	return loaded, err
}

var notWord = regexp.MustCompile(`[^A-Za-z0-9.]+`)

// id names a trial by what it measured and when it began.
func id(cfg Config, now time.Time) string {
	on := strings.Trim(notWord.ReplaceAllString(cfg.Target.Name(), "-"), "-")
	return fmt.Sprintf("%s-%s-%s", cfg.Workload.Slug(), on[:min(len(on), 40)], now.UTC().Format("20060102-150405.000"))
}

func (t *trial) run(ctx context.Context) (err error) {
	if err := os.MkdirAll(t.dir, 0o755); err != nil {
		return err
	}
	if err := t.start(ctx); err != nil {
		return errors.Join(err, t.held.remove(), os.RemoveAll(t.dir))
	}
	defer func() { err = errors.Join(err, t.target.Stop(), t.held.remove()) }()
	var unfenced error
	t.fence, unfenced = t.cfg.Target.LimitLoad()
	defer func() { err = errors.Join(err, t.fence.Close()) }()
	if err := t.prepare(ctx); err != nil {
		return errors.Join(err, os.RemoveAll(t.dir))
	}
	if unfenced != nil {
		t.session.Warn("the load is in no cgroup with the target's limit: "+unfenced.Error(), "its memory is not bounded as the target's is")
	}
	if err := t.phases(ctx); err != nil {
		return errors.Join(err, t.session.Abandon())
	}
	if peak := t.fence.Peak(); peak > 0 {
		t.session.Figure(results.FigureOwnMemory, float64(peak)/(1<<20), "MiB")
	}
	return t.session.Close()
}

func (t *trial) start(ctx context.Context) (err error) {
	if t.cfg.Target.Address == "" {
		t.cfg.Progress.Step("starting the target, zero-filling a new WAL", 0)
		if t.held, err = makeData(t.cfg.Out); err != nil {
			return err
		}
		t.data = t.held.path
	}
	t.target, err = t.cfg.Target.Start(ctx, target.StartConfig{
		Binary: t.cfg.Binary, Data: t.data, Log: filepath.Join(t.dir, "broker.log"), PartitionBytes: t.partitionBytes(),
	})
	return err
}

// loadConfig maps the workload's keys.
func (t *trial) loadConfig(broker string) (load.Config, error) {
	w := t.cfg.Workload
	c, err := w.Load()
	c.Brokers, c.Topic = []string{broker}, "bench-"+time.Now().UTC().Format("150405.000000")
	if !w.RandomTopicNames {
		c.Topic = "bench-" + w.Slug()
	}
	if w.Backlog() > 0 && !w.Beside() {
		c.MaxRecords = t.backlog() / int64(w.MessageSize)
	}
	if t.cfg.Driver != nil {
		c = t.cfg.Driver.Apply(c)
	}
	if own := t.cfg.Target.TopicConfig(); len(own) > 0 { // what makes the target what it is comes last
		c.TopicConfig = maps.Clone(c.TopicConfig)
		if c.TopicConfig == nil {
			c.TopicConfig = map[string]string{}
		}
		maps.Copy(c.TopicConfig, own)
	}
	return c, err
}

func (t *trial) prepare(ctx context.Context) error {
	rec := load.NewRecorder()
	c, err := t.loadConfig(t.target.Kafka())
	if err != nil {
		return err
	}
	if t.load, err = load.New(c, t.clock, rec); err != nil {
		return err
	}
	setup, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	if err := t.load.CreateTopics(setup); err != nil {
		return err
	}
	run := results.Run{
		Workload: t.cfg.Workload.Name, Target: t.cfg.Target.Name(), Quick: t.cfg.Quick,
		Seed: t.load.Config().Seed, Config: t.describe(), Command: command(t.cfg),
	}
	if run.Durability, err = t.cfg.Target.Durability(t.load.Config().TopicConfig); err != nil {
		return err
	}
	run.Durability.Acks = t.load.Config().Acks
	t.session, err = session.Open(session.Config{
		Dir: t.dir, Env: t.cfg.Out, Clock: t.clock, Rec: rec, Load: t.load, Target: t.target, Run: run, NoStore: t.cfg.Target.Kind == target.Null,
	})
	if err != nil {
		return err
	}
	if t.cfg.Driver != nil && len(t.cfg.Driver.Unmapped) > 0 {
		t.session.Warn("properties of the driver without an equivalent were left out: "+strings.Join(t.cfg.Driver.Unmapped, "; "),
			"what they would have changed was not measured")
	}
	if t.cfg.Driver != nil {
		if err := t.session.AddFile(driverFile, t.cfg.Driver.Source()); err != nil {
			return err
		}
	}
	if t.cfg.TargetConfig != nil {
		if err := t.session.AddFile(t.cfg.TargetConfig.CopyName(), t.cfg.TargetConfig.Source()); err != nil {
			return err
		}
	}
	return t.session.AddFile("workload.yaml", t.cfg.Workload.Source())
}

func (t *trial) describe() map[string]string {
	out := map[string]string{
		"bench.warm_up": t.warmUp().String(), "bench.warm_up_most": t.longestWarmUp().String(), "bench.run": t.length().String(), "bench.verify": strconv.FormatBool(t.cfg.Workload.Verify),
		"bench.log_interval":         t.cfg.Workload.LogInterval().String(),
		"load.cold_fetch_rate_per_s": strconv.FormatInt(t.cfg.Workload.ColdFetchRate, 10),
		"load.cold_fetch_clients":    strconv.Itoa(t.cfg.Workload.ColdFetchClients),
		"load.fill_bytes":            strconv.FormatInt(t.fillBytes(), 10),
	}
	maps.Copy(out, t.load.Config().Describe())
	if t.cfg.Driver != nil {
		maps.Copy(out, t.cfg.Driver.Describe())
	}
	if t.cfg.Workload.Backlog() > 0 {
		out["load.backlog_bytes"] = strconv.FormatInt(t.backlog(), 10)
		out["load.backlog_drain_ratio"] = strconv.FormatFloat(t.cfg.Workload.BacklogDrainRatio, 'g', -1, 64)
	}
	if t.cfg.Workload.CatchesUp() {
		out["load.catch_up_process"] = replay.Setting
	}
	for k, v := range t.cfg.Target.Flags {
		out["broker."+k] = v
	}
	for k, v := range t.cfg.Target.Keys {
		out["target."+k] = v
	}
	if d, ok := t.target.(target.Described); ok {
		maps.Copy(out, d.Describe())
	}
	return out
}

func (t *trial) warmUp() time.Duration {
	return t.quick(t.cfg.Workload.WarmUp(), quickWarmUp)
}

// quick is the length of something in a quick trial, and half of it in a probe.
func (t *trial) quick(length, most time.Duration) time.Duration {
	switch {
	case !t.cfg.Quick:
		return length
	case t.cfg.probe:
		return min(length, most/2)
	}
	return min(length, most)
}

func (t *trial) length() time.Duration {
	return t.quick(t.cfg.Workload.Duration(), quickRun)
}

// coldFetchTime is a quarter of it in a quick trial.
func (t *trial) coldFetchTime() time.Duration {
	if t.cfg.Quick {
		return t.cfg.Workload.ColdFetches() / 4
	}
	return t.cfg.Workload.ColdFetches()
}

// partitionBytes is about what the load will write to each partition.
func (t *trial) partitionBytes() int64 {
	c, err := t.cfg.Workload.Load()
	if err != nil {
		return 0 // prepare says so
	}
	var partitions int
	var perSecond int64
	for _, g := range c.Groups {
		for _, n := range g.Partitions {
			partitions += n
		}
		rate := g.Rate
		for _, p := range g.Curve.Points {
			rate = max(rate, p.Rate)
		}
		perSecond += rate * int64(g.ValueSize)
	}
	total := t.backlog() + t.fillBytes() + perSecond*int64((t.warmUp()+t.length()).Seconds())
	return total / int64(max(1, partitions))
}

// backlog in bytes; a quick one is an eighth.
func (t *trial) backlog() int64 {
	if t.cfg.Quick {
		return t.cfg.Workload.Backlog() / 8
	}
	return t.cfg.Workload.Backlog()
}

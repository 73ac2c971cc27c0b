package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/replay"
	"github.com/tidelog/tide/workloads/target"
)

// fillTimeout bounds the writing of a back-log, and one reading of it.
const fillTimeout = 30 * time.Minute

// compare runs everything in a directory of its own, which it removes.
func compare(ctx context.Context, cfg config, out io.Writer) (err error) {
	dir, err := os.MkdirTemp(cfg.Dir, "s3ratio-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	g, err := target.StartGateway(ctx, cfg.Versitygw, filepath.Join(dir, "s3"), filepath.Join(dir, "s3.log"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Stop()) }()
	fmt.Fprintf(out, "%s of %s records; page cache warm; bare reader: %d GETs of up to %s in flight; client verifies every record\n",
		cfg.Size, cfg.Value, cfg.Bare.Places, cfg.Bare.Get)
	for _, n := range cfg.Partitions {
		b := &backlog{cfg: cfg, gateway: g, partitions: n, dir: filepath.Join(dir, strconv.Itoa(n)), out: out}
		if err := b.run(ctx); err != nil {
			return fmt.Errorf("%d partitions: %w", n, err)
		}
	}
	return nil
}

// backlog is one topic's records, and the readings of it.
type backlog struct {
	cfg        config
	gateway    *target.Gateway
	partitions int
	dir        string // of the broker, and of logs
	out        io.Writer

	load    *load.Load
	ends    []int64  // by partition
	streams []string // ids by partition

	took     time.Duration // by the slowest reading that was not counted
	profiles int           // written so far
}

const topic = "backlog"

func (b *backlog) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fillTimeout)
	defer cancel()
	if err := b.fill(ctx); err != nil {
		return err
	}
	syscall.Sync() // or what was written would be written back while others read
	sides := []side{{"bare", b.startBare}, {"tide", b.startTide}}
	for _, s := range sides { // not counted: the page cache
		r, err := b.read(ctx, s)
		if err != nil {
			return err
		}
		b.took = max(b.took, r.took)
	}
	got := map[string][]reading{}
	for i := range b.cfg.Repeats {
		for j := range sides {
			s := sides[(i+j)%len(sides)]
			r, err := b.read(ctx, s)
			if err != nil {
				return err
			}
			got[s.name] = append(got[s.name], r)
			fmt.Fprintf(b.out, "%d partitions, reading %d: %s\n", b.partitions, i+1, r.line(s.name))
		}
	}
	summarize(b.out, b.partitions, got["tide"], got["bare"])
	return nil
}

// fill has a broker write the objects; its end puts the last of them.
func (b *backlog) fill(ctx context.Context) (err error) {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	p, err := b.broker(ctx, "fill", nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	b.load, err = load.New(load.Config{
		Brokers: []string{p.Kafka()}, Topic: topic, Partitions: b.partitions, Producers: 4, Consumers: -1,
		Closed: true, MaxRecords: int64(b.cfg.Size / b.cfg.Value), ValueSize: int(b.cfg.Value),
	}, load.NewClock(), load.NewRecorder())
	if err != nil {
		return err
	}
	if err := b.load.CreateTopics(ctx); err != nil {
		return err
	}
	producers, err := b.load.StartProducers(ctx, fillTimeout)
	if err == nil {
		err = producers.Wait(ctx)
	}
	if err != nil {
		return err
	}
	if b.ends, err = b.load.Ends(ctx); err != nil {
		return err
	}
	return b.learn(ctx, p)
}

// learn asks which streams the partitions are.
func (b *backlog) learn(ctx context.Context, p *target.Process) error {
	streams, err := target.Streams(ctx, p.Admin())
	if err != nil {
		return err
	}
	b.streams = make([]string, b.partitions)
	for _, s := range streams {
		if s.Topic == topic {
			b.streams[s.Partition] = strconv.FormatInt(s.ID, 10)
		}
	}
	return nil
}

// side is what is measured.
type side struct {
	name  string
	start func(ctx context.Context) (*target.Process, error)
}

func (b *backlog) startTide(ctx context.Context) (*target.Process, error) {
	return b.broker(ctx, "tide", strings.Fields(b.cfg.Broker))
}

// broker on this back-log's data. Objects stay as they were uploaded.
func (b *backlog) broker(ctx context.Context, name string, more []string) (*target.Process, error) {
	return target.Start(ctx, target.Config{
		Binary: b.cfg.Tide, Log: filepath.Join(b.dir, name+".log"), Env: b.gateway.Env(), StopTimeout: time.Minute,
		Args: append([]string{"--data", filepath.Join(b.dir, "data"), "--store", b.url(), "--no-compact"}, more...),
	})
}

func (b *backlog) url() string { return b.gateway.URL(strconv.Itoa(b.partitions)) }

func (b *backlog) startBare(ctx context.Context) (*target.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return target.Start(ctx, target.Config{
		Binary: self, Log: filepath.Join(b.dir, "bare.log"), Env: b.gateway.Env(),
		Args: append([]string{"--store", b.url(), "--topic", topic, "--streams", strings.Join(b.streams, ",")}, b.cfg.Bare.args()...),
	})
}

// read has a client read everything from a side that is started for it.
func (b *backlog) read(ctx context.Context, s side) (r reading, err error) {
	p, err := s.start(ctx)
	if err != nil {
		return r, fmt.Errorf("%s: %w", s.name, err)
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	before, err := counters(ctx, p)
	if err != nil {
		return r, err
	}
	profiled := b.profile(ctx, p)
	server, gateway, began := p.Usage().CPU, b.gateway.Usage().CPU, time.Now()
	cfg := b.load.Config()
	cfg.Brokers = []string{p.Kafka()}
	client, err := replay.Start(self, replay.Spec{Load: cfg, Consumers: 1, Ends: b.ends}, func(int64, int64) {})
	if err != nil {
		return r, err
	}
	select {
	case <-client.Ended():
	case <-p.Ended():
		err = fmt.Errorf("%s ended by itself: %s", s.name, p.LastWords())
	case <-ctx.Done():
		err = ctx.Err()
	}
	r.took, r.server, r.gateway = time.Since(began), p.Usage().CPU-server, b.gateway.Usage().CPU-gateway
	got, stopped := client.Stop()
	if err := errors.Join(err, stopped); err != nil {
		return r, err
	}
	r.client, r.bytes, r.rate = got.CPU, got.Seen.Bytes, got.Rate()
	after, err := counters(ctx, p)
	for name, n := range after {
		after[name] = n - before[name]
	}
	r.counters = after
	return r, errors.Join(err, profiled(), b.check(s, got))
}

// counters of a broker; the bare reader has none.
func counters(ctx context.Context, p *target.Process) (target.Metrics, error) {
	if p.Admin() == noAdmin {
		return nil, nil
	}
	return p.Metrics(ctx)
}

// check refuses a reading that did not bring every record.
func (b *backlog) check(s side, got replay.Outcome) error {
	v := b.load.Observed(got.Reading)
	if want := b.load.Counters.Acked.Load(); !got.Through || !v.OK() || v.Records != want {
		return fmt.Errorf("%s: read %d of %d records, through %v: %s %+v", s.name, v.Records, want, got.Through, got.Error, v)
	}
	return nil
}

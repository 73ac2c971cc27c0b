package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"github.com/tidelog/tide/broker"
	"github.com/tidelog/tide/internal/units"
)

func init() {
	register("broker", "Run a broker: the Kafka protocol over a write-ahead log and an object store.", &brokerCmd{})
}

// brokerCmd is `tide broker`. Flags left out take the defaults of
// broker.Config, which the help texts state.
type brokerCmd struct {
	Config kong.ConfigFlag `help:"YAML file with the same names as the flags; unknown keys are refused. Flags and the environment come before it." placeholder:"FILE"`

	Listen    string `help:"Address of the Kafka protocol; port 0 takes a free one. Default 127.0.0.1:9092." placeholder:"HOST:PORT"`
	Advertise string `help:"Address that clients are told. Default: the one listened on." placeholder:"HOST:PORT"`
	Admin     string `help:"Address of metrics, profiles and the live page. Default 127.0.0.1:9644." placeholder:"HOST:PORT"`
	Data      string `help:"Directory of the default WAL, the default store and the metadata. Default ./tide-data." placeholder:"DIR"`
	WAL       string `name:"wal" help:"WAL URL: pwrite:PATH, uring:PATH, fsync:PATH or mem:, with ?capacity=2GiB&durability=dsync|direct|fdatasync|none&depth=auto|N&block=256KiB,1MiB&window=1MiB,4MiB,512MiB&linger=0&tick=&iops=0&rate=0&model=gp3-3000. Default pwrite:DATA/wal, 2 GiB, dsync." placeholder:"URL"`
	Store     string `help:"Store URL: dir:PATH?rate=20MiB/s, mem:, null: (discards) or s3://BUCKET/PREFIX?endpoint=URL&region=R&path_style=true&part=32MiB&deadline=60s, with credentials from the environment, the profile or the instance; each with ?model=s3-standard|s3-express&seed=1&slowdown=0.01 for the time that S3 takes. Default dir:DATA/objects." placeholder:"URL"`
	NodeID    int32  `help:"This broker's id. Default 1." placeholder:"N"`

	LogCache   units.Bytes `help:"Memory for what is not in an object yet, and the newest of what is, in bytes. Default 1/8 of the memory, at least 128MiB." placeholder:"SIZE"`
	BlockCache units.Bytes `help:"Memory for blocks of objects, in bytes. Default 1/8 of the memory, at least 64MiB." placeholder:"SIZE"`
	Policy     string      `help:"Eviction policy of the block cache: fifo, lru, clock, sieve, s3fifo, 2q, arc, slru, lirs or wtinylfu. Default lru." placeholder:"NAME"`
	Prefetch   string      `help:"Prefetcher of the block cache: none, fixed:N (blocks), automq, automq:2024, linux:MAX (largest window), chunk:SIZE (aligned pieces of an object) or rate. Default automq:2024." placeholder:"NAME"`

	ObjectBlock     units.Bytes   `help:"Size of a DataBlock of an object, in bytes. Default 1MiB." placeholder:"SIZE"`
	ObjectSplit     units.Bytes   `help:"A stream with as many bytes in one upload gets an object of its own. Default 8MiB." placeholder:"SIZE"`
	UploadThreshold units.Bytes   `help:"Bytes after which the log cache is sealed and uploaded; at most half of the log cache and of the WAL. Default 64MiB." placeholder:"SIZE"`
	UploadInterval  time.Duration `help:"Time after which it is uploaded in any case. Default 30s." placeholder:"DURATION"`

	StoreRate   units.Bytes `help:"Bytes a second that are read from the store at most, and as many written; what is urgent goes first. Default 0, no bound." placeholder:"SIZE"`
	StoreReads  int         `help:"Reads in flight to the store at most. Default 32." placeholder:"N"`
	StoreWrites int         `help:"Writes in flight to the store at most. Default 8." placeholder:"N"`
	UploadPart  units.Bytes `help:"Size of a part of an upload, and of the largest object that goes in one piece, in bytes. Used by s3: and by model=…, unless the store URL has part=; dir:, mem: and null: have no parts. Default 32MiB." placeholder:"SIZE"`

	AutoCreateTopics bool `help:"Create unknown topics that clients ask for, as Kafka does." default:"true" negatable:""`
	AcceptLoss       bool `help:"Start although the WAL proves that acknowledged records are lost; the log says which."`
	DiscardWAL       bool `name:"discard-wal" help:"Start although the WAL belongs to another node or an older life; what it holds is lost."`

	Compact         bool          `help:"Merge small objects in the background." default:"true" negatable:""`
	CompactInterval time.Duration `help:"How often to look for small objects to merge. Default 1m." placeholder:"DURATION"`
	CompactRate     units.Rate    `help:"What merging reads, and what it writes, at most. Default 32MiB/s." placeholder:"RATE"`
	CompactTarget   units.Bytes   `help:"Size from which an object is left alone; a merge holds up to twice as much in memory. Default 256MiB, or 1/16 of the memory where that is less." placeholder:"SIZE"`
	RetentionCheck  time.Duration `help:"How often retention.ms and retention.bytes are enforced. Default 5m." placeholder:"DURATION"`
	DeleteGrace     time.Duration `help:"How long an object's bytes stay after nothing refers to it any more. Default 1m." placeholder:"DURATION"`

	FaultInjection bool `help:"For benchmarks only: POST /store/fault?do=outage, slow or none, with latency=1s, at the admin port makes the object store fail or answer late."`

	Trace string `help:"Record every access of the block cache in this file, for tide cache trace; FILE.1, FILE.2 … where there is one already." placeholder:"FILE"`
}

// config is what the flags say, checked.
func (c *brokerCmd) config() (broker.Config, error) {
	cfg := broker.Config{
		Data: c.Data, Listen: c.Listen, Advertise: c.Advertise, Admin: c.Admin, NodeID: c.NodeID,
		WAL: c.WAL, Store: c.Store,
		LogCache: int64(c.LogCache), BlockCache: int64(c.BlockCache), Policy: c.Policy, Prefetch: c.Prefetch,
		ObjectBlock: int64(c.ObjectBlock), ObjectSplit: int64(c.ObjectSplit),
		UploadThreshold: int64(c.UploadThreshold), UploadInterval: c.UploadInterval, UploadPart: int64(c.UploadPart),
		StoreRate: int64(c.StoreRate), StoreReads: c.StoreReads, StoreWrites: c.StoreWrites,
		NoAutoCreate: !c.AutoCreateTopics, AcceptLoss: c.AcceptLoss, DiscardWAL: c.DiscardWAL,
		NoCompact: !c.Compact, CompactInterval: c.CompactInterval, CompactRate: c.CompactRate.PerSecond, CompactTarget: int64(c.CompactTarget),
		RetentionCheck: c.RetentionCheck, DeleteGrace: c.DeleteGrace,
		FaultInjection: c.FaultInjection, Trace: c.Trace, Logger: slog.Default(),
	}
	if r := c.CompactRate; r.PerSecond != 0 && !r.IsBytes {
		return cfg, usageError{fmt.Errorf("--compact-rate %s: want bytes, as in 32MiB/s", r)}
	}
	if err := cfg.Validate(); err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}

// checkBroker says what is wrong with the flags of a broker, by their names,
// before one is started.
func checkBroker(flags map[string]string) error {
	var args []string
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		args = append(args, "--"+name+"="+flags[name])
	}
	return refusal(args)
}

// refusal is what a broker with these flags would end with before it opens
// anything; nil: nothing.
func refusal(args []string) error {
	c, err := parseBroker(args)
	if err == nil {
		_, err = c.config()
	}
	return err
}

// parseBroker reads flags as a broker will. It has a command of its own: parsing
// anew by the registered ones would set every verb back to its defaults, the one
// that asks included.
func parseBroker(args []string) (brokerCmd, error) {
	var c brokerCmd
	parser, err := kong.New(&c, kong.Name("broker"), kong.Configuration(loadConfig), kong.Exit(func(int) {}))
	if err == nil {
		_, err = parser.Parse(args)
	}
	return c, err
}

// Run serves until SIGINT or SIGTERM. It prints one line to standard output
// when clients can connect.
func (c *brokerCmd) Run(ctx context.Context, std *stdio) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	tuneRuntime()
	b, err := broker.Open(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "ready kafka=%s admin=%s\n", b.KafkaAddr(), b.AdminAddr())
	return b.Serve(ctx)
}

// memoryLimit bounds the Go heap, where the broker keeps no data. The collector
// runs at Go's own pace: see decision 008.
const memoryLimit = 1 << 30

// tuneRuntime leaves alone what the environment sets. The scheduler has as many
// processors as cores, Go's default: see decision 022.
func tuneRuntime() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

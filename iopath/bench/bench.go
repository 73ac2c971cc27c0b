// Package bench measures raw block writes over any Path, without a WAL above,
// and runs fio beside it on the same file with the same size, depth and
// durability (fio.go).
//
//	┌──────────────── one goroutine ─────────────────┐
//	Submit (all that are free) ─▶ Path ─▶ Reap(1) ─▶ Done: latency, free again
//	└────────────── depth writes in flight ──────────┘
//
// The writes go along the device in order and start over at its end, behind a
// first block with a mark by which a later run knows that nothing is lost:
//
//	0        64 KiB
//	├ mark ┄ ┼ write 0 ┼ write 1 ┼ …                      capacity
package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tidelog/tide/internal/align"
	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/iopath"
)

// Start is where the writes begin, in bytes: behind the place of a WAL's
// headers.
const Start = 64 << 10

// mark is at the start of a file that only benchmarks have written.
const mark = "tide iopath bench: nothing here is worth keeping\n"

// warmUp is the share of the duration that runs before and is not counted.
const warmUp = 10

// Config says what to measure.
type Config struct {
	// Block is the size of a write in bytes, a multiple of iopath.BlockSize.
	// Default 4 KiB.
	Block int64
	// Duration of the measurement, after a tenth of it to warm up. Default 10 s.
	Duration time.Duration
	// Overwrite allows a file or device that holds anything but benchmarks'
	// writes; what it holds is lost.
	Overwrite bool
}

func (c Config) withDefaults() Config {
	if c.Block == 0 {
		c.Block = iopath.BlockSize
	}
	if c.Duration == 0 {
		c.Duration = 10 * time.Second
	}
	return c
}

func (c Config) validate(g iopath.Geometry) error {
	var faults []error
	if c.Block < iopath.BlockSize || !align.Is(c.Block, iopath.BlockSize) || c.Block > g.Capacity-Start {
		faults = append(faults, fmt.Errorf("block %s: want a multiple of %d, at most the capacity of %s less %s",
			units.Size(c.Block), iopath.BlockSize, units.Size(g.Capacity), units.Size(Start)))
	}
	if c.Duration < 0 {
		faults = append(faults, fmt.Errorf("duration %v: want more than 0", c.Duration))
	}
	return errors.Join(faults...)
}

// ArenaSize is what Run needs of the path's arena, in bytes.
func ArenaSize(block int64, depth int) int {
	return int(max(block, iopath.BlockSize)) * depth
}

// Result of one run. Times are of single writes, from Submit to Done.
type Result struct {
	WAL        string            `json:"wal"` // the URL, set by the caller
	Durability iopath.Durability `json:"durability"`
	Simulated  string            `json:"simulated,omitempty"` // the volume that was modelled
	Block      int64             `json:"block"`
	Depth      int               `json:"depth"`
	GOMAXPROCS int               `json:"gomaxprocs"`

	Seconds     float64 `json:"seconds"`
	Writes      int64   `json:"writes"`
	IOPS        float64 `json:"iops"`
	MiBPerS     float64 `json:"mib_per_s"`
	AvgUS       float64 `json:"avg_us"`
	P50US       float64 `json:"p50_us"`
	P99US       float64 `json:"p99_us"`
	P999US      float64 `json:"p999_us"`
	MaxUS       float64 `json:"max_us"`
	CPUUSPerIO  float64 `json:"cpu_us_per_io"` // user and system, of the whole process
	*Comparison         // nil without fio
}

// Run writes until the duration is over. It uses all of the path's depth and
// its arena, and reaps on the caller's goroutine.
func Run(ctx context.Context, p iopath.Path, cfg Config) (Result, error) {
	cfg = cfg.withDefaults()
	g := p.Geometry()
	if err := cfg.validate(g); err != nil {
		return Result{}, err
	}
	r := newRun(p, cfg)
	if err := r.claim(cfg.Overwrite); err != nil {
		return Result{}, err
	}
	if err := r.until(ctx, time.Now().Add(cfg.Duration/warmUp)); err != nil {
		return Result{}, err
	}
	r.latency.Reset()
	r.writes = 0
	start, cpu := time.Now(), cpuTime()
	if err := r.until(ctx, start.Add(cfg.Duration)); err != nil {
		return Result{}, err
	}
	return r.result(time.Since(start), cpuTime()-cpu), nil
}

// run is the state of one measurement.
type run struct {
	path    iopath.Path
	block   int64
	pos     int64
	all     []*timed
	free    []*timed        // to be submitted next
	batch   []*iopath.Write // scratch of submit
	latency *hdrhistogram.Histogram
	writes  int64
	failed  error
}

// timed is a write and when it was submitted.
type timed struct {
	iopath.Write
	since time.Time
}

func newRun(p iopath.Path, cfg Config) *run {
	r := &run{path: p, block: cfg.Block, pos: Start, latency: hdrhistogram.New(1, int64(time.Minute), 3)}
	for i := range int64(p.Geometry().Depth) {
		w := &timed{}
		w.Buf = p.Arena()[i*cfg.Block : (i+1)*cfg.Block]
		for j := range w.Buf {
			w.Buf[j] = byte(j*31 + int(i)) // not zeros, which some devices do not store
		}
		w.Done = func(*iopath.Write) { r.done(w) }
		r.all = append(r.all, w)
		r.free = append(r.free, w)
	}
	return r
}

// claim looks at the first block, and puts the mark there.
func (r *run) claim(overwrite bool) error {
	w := r.all[0]
	block := w.Buf[:iopath.BlockSize]
	was := bytes.Clone(block)
	if _, err := r.path.ReadAt(block, 0); err != nil {
		return err
	}
	foreign := !bytes.HasPrefix(block, []byte(mark)) && !bytes.Equal(block, make([]byte, len(block)))
	if foreign && !overwrite {
		return errors.New("the file or device holds data, such as a broker's WAL, and the benchmark would destroy it: " +
			"name another file, or allow it with --overwrite")
	}
	clear(block)
	copy(block, mark)
	first := iopath.Write{Buf: block, Done: func(*iopath.Write) { r.writes++ }}
	if err := r.path.Submit([]*iopath.Write{&first}); err != nil {
		return err
	}
	for r.writes == 0 {
		if _, err := r.path.Reap(1); err != nil {
			return err
		}
	}
	copy(block, was)
	return first.Err
}

// until keeps the path busy until a time, and then waits for what is in flight.
func (r *run) until(ctx context.Context, end time.Time) error {
	for ctx.Err() == nil && r.failed == nil && time.Now().Before(end) {
		if err := r.submit(); err != nil {
			return err
		}
		if _, err := r.path.Reap(1); err != nil {
			return err
		}
	}
	for len(r.free) < len(r.all) {
		if _, err := r.path.Reap(1); err != nil {
			return errors.Join(r.failed, err)
		}
	}
	return errors.Join(r.failed, context.Cause(ctx))
}

// submit starts every write that is free, in one call.
func (r *run) submit() error {
	now := time.Now()
	r.batch = r.batch[:0]
	for _, w := range r.free {
		if r.pos+r.block > r.path.Geometry().Capacity {
			r.pos = Start
		}
		w.Pos, w.since = r.pos, now
		r.pos += r.block
		r.batch = append(r.batch, &w.Write)
	}
	r.free = r.free[:0]
	return r.path.Submit(r.batch)
}

// done runs in Reap.
func (r *run) done(w *timed) {
	if w.Err != nil && r.failed == nil {
		r.failed = w.Err
	}
	took := min(time.Since(w.since), time.Minute) // the histogram's bound
	_ = r.latency.RecordValue(max(1, int64(took)))
	r.writes++
	r.free = append(r.free, w)
}

func (r *run) result(took, cpu time.Duration) Result {
	g := r.path.Geometry()
	us := func(ns int64) float64 { return float64(ns) / 1e3 }
	iops := float64(r.writes) / took.Seconds()
	return Result{
		Durability: g.Durability, Simulated: g.Simulated, Block: r.block, Depth: g.Depth,
		GOMAXPROCS: runtime.GOMAXPROCS(0),
		Seconds:    took.Seconds(), Writes: r.writes,
		IOPS: iops, MiBPerS: iops * float64(r.block) / float64(units.MiB),
		AvgUS: r.latency.Mean() / 1e3, P50US: us(r.latency.ValueAtQuantile(50)), P99US: us(r.latency.ValueAtQuantile(99)),
		P999US: us(r.latency.ValueAtQuantile(99.9)), MaxUS: us(r.latency.Max()),
		CPUUSPerIO: us(int64(cpu)) / float64(max(1, r.writes)),
	}
}

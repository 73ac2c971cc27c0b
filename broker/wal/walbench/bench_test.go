package walbench

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/wal"
	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func openMem(t *testing.T, dev *mem.Device) iopath.Path {
	t.Helper()
	p, err := mem.Open(mem.Config{Device: dev, ArenaSize: 1 << 20, Depth: 2})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// short is a run over a small ring: it laps many times.
func short(p iopath.Path) Config {
	return Config{
		WAL: wal.Config{Path: p, Logger: quiet}, Name: "mem:", Record: 1000, Appenders: 8,
		Warmup: -1, Duration: 50 * time.Millisecond,
	}
}

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name      string
		rate      int64
		appenders int
		loop      string
	}{{"closed", 0, 8, "closed"}, {"one", 0, 1, "closed"}, {"open", 5000, 8, "open"}, {"alone", 5000, 1, "open"}} {
		t.Run(c.name, func(t *testing.T) {
			cfg := short(openMem(t, mem.NewDevice(1<<20)))
			cfg.Rate, cfg.Appenders = c.rate, c.appenders
			r, err := Run(context.Background(), cfg)
			require.NoError(t, err)
			require.Equal(t, c.loop, r.Loop)
			require.Positive(t, r.Appends)
			require.Positive(t, r.P50Us)
			require.GreaterOrEqual(t, r.MaxUs, r.P999Us)
			require.GreaterOrEqual(t, r.BytesWritten, r.WriteCount*iopath.BlockSize)
			require.Equal(t, "none", r.Durability)
			require.Equal(t, c.appenders, r.Appenders)
		})
	}
}

// A run leaves an empty log, closed clean, that the next run takes.
func TestLeavesACleanLog(t *testing.T) {
	dev := mem.NewDevice(1 << 20)
	for range 2 {
		_, err := Run(context.Background(), short(openMem(t, dev)))
		require.NoError(t, err)
	}
	log, err := wal.Open(wal.Config{Path: openMem(t, dev), Logger: quiet})
	require.NoError(t, err)
	h, found := log.Header()
	require.True(t, found && h.Clean)
	found2, err := log.Recover(context.Background(), wal.RecoverOptions{}, func(wal.Record) error { return nil })
	require.NoError(t, err)
	require.Zero(t, found2.Records)
	require.NoError(t, log.Close(context.Background(), false))
}

func TestRefusesAnothersLog(t *testing.T) {
	dev := mem.NewDevice(1 << 20)
	log, err := wal.Open(wal.Config{Path: openMem(t, dev), NodeID: 3, Logger: quiet})
	require.NoError(t, err)
	require.NoError(t, log.Reset(context.Background(), 1))
	require.NoError(t, log.Close(context.Background(), false))
	before := bytes.Clone(dev.Bytes())
	_, err = Run(context.Background(), short(openMem(t, dev)))
	require.ErrorIs(t, err, ErrNotOurs)
	require.ErrorContains(t, err, "node 3")
	require.Equal(t, before, dev.Bytes())
	clear(dev.Bytes())
	dev.Bytes()[5000] = 1 // no log, but something
	_, err = Run(context.Background(), short(openMem(t, dev)))
	require.ErrorIs(t, err, ErrNotOurs)
	cfg := short(openMem(t, dev))
	cfg.Overwrite = true
	_, err = Run(context.Background(), cfg)
	require.NoError(t, err)
}

func TestRecordTooLarge(t *testing.T) {
	cfg := short(openMem(t, mem.NewDevice(1<<20)))
	cfg.Record = 1 << 20
	_, err := Run(context.Background(), cfg)
	require.ErrorIs(t, err, wal.ErrTooLarge)
}

func TestCancel(t *testing.T) {
	for _, rate := range []int64{0, 100} {
		ctx, cancel := context.WithCancel(context.Background())
		cfg := short(openMem(t, mem.NewDevice(1<<20)))
		cfg.Rate, cfg.Duration = rate, time.Hour
		cfg.Progress = func(step string, _ time.Duration) {
			if step == "measuring" {
				cancel()
			}
		}
		_, err := Run(ctx, cfg)
		require.ErrorIs(t, err, context.Canceled)
	}
}

// A rate that no log reaches is a verdict, not an error.
func TestMissedRate(t *testing.T) {
	cfg := short(openMem(t, mem.NewDevice(1<<20)))
	cfg.Rate = 1_000_000_000
	r, err := Run(context.Background(), cfg)
	require.NoError(t, err)
	require.Equal(t, "INVALID", r.Verdict)
	require.Contains(t, r.Reason, "lower --rate")
}

// The keys that cli.md promises come first, in its order.
func TestResultKeys(t *testing.T) {
	text, err := json.Marshal(Result{})
	require.NoError(t, err)
	var keys []string
	d := json.NewDecoder(bytes.NewReader(text))
	for token, err := d.Token(); err == nil; token, err = d.Token() {
		if s, ok := token.(string); ok && s != "" {
			keys = append(keys, s)
		}
	}
	require.True(t, strings.HasPrefix(strings.Join(keys, ", "), "appends_per_s, mib_per_s, avg_us, p50_us, p99_us, p999_us, max_us, "+
		"cpu_s_per_gib, write_count, bytes_written, header_writes, window_stalls, allocs_per_op, durability, simulated"), keys)
}

func TestValidate(t *testing.T) {
	err := Config{Record: -1, Appenders: -1, Rate: -1, Duration: -1, Procs: -1}.Validate()
	for _, want := range []string{"Path is missing", "record: -1", "appenders: -1", "rate: -1", "duration: -1ns", "procs: -1"} {
		require.ErrorContains(t, err, want)
	}
}

// The schedule holds at any rate and time, and counts what it says.
func TestSchedule(t *testing.T) {
	for _, rate := range []int64{1, 3, 7777, 1_000_000_000} {
		for _, i := range []int64{0, 1, 2, 999, 1 << 33} {
			if i > math.MaxInt64/int64(time.Second)*rate {
				continue
			}
			at := dueAt(100, rate, i)
			require.Equal(t, i, scheduled(100, rate, 100, at))
			require.Equal(t, i+1, scheduled(100, rate, 100, at+1))
		}
	}
}

// What it writes is what a broker writes: stream record batches.
func TestRecordsDecode(t *testing.T) {
	dev := mem.NewDevice(1 << 20)
	cfg := short(openMem(t, dev))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := newRun(cfg.withDefaults())
	require.NoError(t, r.open(ctx))
	a := r.newAppender(5)
	for range 2 {
		require.True(t, a.append(0))
	}
	require.NoError(t, r.log.Drain(ctx))
	require.NoError(t, r.log.Close(ctx, false))
	log, err := wal.Open(wal.Config{Path: openMem(t, dev), Logger: quiet})
	require.NoError(t, err)
	var bases []int64
	_, err = log.Recover(ctx, wal.RecoverOptions{}, func(x wal.Record) error {
		b, n, err := object.DecodeBatch(x.Body)
		require.Equal(t, len(x.Body), n)
		require.EqualValues(t, 5, b.StreamID)
		bases = append(bases, b.BaseOffset)
		return err
	})
	require.NoError(t, err)
	require.Equal(t, []int64{0, 1}, bases)
}

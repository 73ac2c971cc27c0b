package bench

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/fault"
	"github.com/tidelog/tide/iopath/mem"
	"github.com/tidelog/tide/iopath/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const capacity = 1 << 20

// memory opens a device of 1 MiB.
func memory(t *testing.T, d *mem.Device, block int64, depth int) iopath.Path {
	p, err := mem.Open(mem.Config{Device: d, ArenaSize: ArenaSize(block, depth), Depth: depth})
	require.NoError(t, err)
	return p
}

// TestFigures: eight writes in flight that take 1 ms each, in virtual time, are
// 8000 a second, and every figure follows.
func TestFigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		volume := model.Volume{Name: "constant", P50: time.Millisecond}
		p, err := model.Wrap(memory(t, mem.NewDevice(capacity), 16<<10, 8), model.Config{Volume: volume, Clock: model.NewTimerClock()})
		require.NoError(t, err)
		r, err := Run(t.Context(), p, Config{Block: 16 << 10, Duration: time.Second})
		require.NoError(t, err)
		require.Equal(t, int64(8000), r.Writes)
		require.InDelta(t, 8000, r.IOPS, 1)
		require.InDelta(t, 125, r.MiBPerS, 0.1)
		for _, us := range []float64{r.AvgUS, r.P50US, r.P99US, r.P999US, r.MaxUS} {
			require.InEpsilon(t, 1000, us, 0.002)
		}
		require.Equal(t, 8, r.Depth)
		require.Contains(t, r.Simulated, "constant")
		require.NoError(t, p.Close())
	})
}

// TestKeys are those that scripts and figures read.
func TestKeys(t *testing.T) {
	keys := func(r Result) map[string]any {
		text, err := json.Marshal(r)
		require.NoError(t, err)
		m := map[string]any{}
		require.NoError(t, json.Unmarshal(text, &m))
		return m
	}
	m := keys(Result{})
	for _, key := range []string{"iops", "mib_per_s", "p50_us", "p99_us", "p999_us", "cpu_us_per_io", "durability", "gomaxprocs"} {
		require.Contains(t, m, key)
	}
	require.NotContains(t, m, "ratio")
	require.NotContains(t, m, "simulated")
	m = keys(Result{Comparison: &Comparison{}})
	for _, key := range []string{"fio_iops", "fio_psync_iops", "ratio"} {
		require.Contains(t, m, key)
	}
}

// TestStaysOutOfHeaders: only the mark is before Start, and a second run knows
// it; all behind it is written.
func TestStaysOutOfHeaders(t *testing.T) {
	d := mem.NewDevice(capacity)
	for range 2 {
		p := memory(t, d, 4096, 4)
		r, err := Run(t.Context(), p, Config{Duration: 20 * time.Millisecond})
		require.NoError(t, err)
		require.NotZero(t, r.Writes)
		require.NoError(t, p.Close())
	}
	require.Equal(t, mark, string(d.Bytes()[:len(mark)]))
	require.Equal(t, make([]byte, Start-len(mark)), d.Bytes()[len(mark):Start])
	require.NotZero(t, d.Bytes()[Start+1])
}

// TestRefusesData: a broker's WAL is not overwritten by mistake.
func TestRefusesData(t *testing.T) {
	d := mem.NewDevice(capacity)
	d.Bytes()[100] = 1
	p := memory(t, d, 4096, 1)
	_, err := Run(t.Context(), p, Config{Duration: time.Millisecond})
	require.ErrorContains(t, err, "name another file, or allow it with --overwrite")
	require.Equal(t, byte(1), d.Bytes()[100])
	_, err = Run(t.Context(), p, Config{Duration: time.Millisecond, Overwrite: true})
	require.NoError(t, err)
	require.NoError(t, p.Close())
}

func TestRefusesConfig(t *testing.T) {
	p := memory(t, mem.NewDevice(capacity), 4096, 1)
	_, err := Run(t.Context(), p, Config{Block: 5000, Duration: -1})
	require.ErrorContains(t, err, "block 5000B: want a multiple of 4096")
	require.ErrorContains(t, err, "duration -1ns")
	_, err = Run(t.Context(), p, Config{Block: capacity})
	require.ErrorContains(t, err, "at most the capacity of 1MiB less 64KiB")
	require.NoError(t, p.Close())
}

// TestEnds: by a signal, and by a device that fails.
func TestEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("signal")
	cancel(gone)
	p := memory(t, mem.NewDevice(capacity), 4096, 4)
	_, err := Run(ctx, p, Config{})
	require.ErrorIs(t, err, gone)
	require.NoError(t, p.Close())

	broken := fault.Wrap(memory(t, mem.NewDevice(capacity), 4096, 4), fault.Config{Rules: []fault.Rule{{Kind: fault.Error, Nth: 9}}})
	_, err = Run(t.Context(), broken, Config{})
	require.ErrorIs(t, err, iopath.ErrLatched)
	require.NoError(t, broken.Close())
}

func TestAllocs(t *testing.T) {
	p := memory(t, mem.NewDevice(capacity), 4096, 8)
	r := newRun(p, Config{Block: 4096})
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if r.submit() != nil {
			panic("submit")
		}
		_, _ = p.Reap(8)
	}))
	require.NoError(t, p.Close())
}

package model

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/fault"
	"github.com/tidelog/tide/iopath/iotest"
	"github.com/tidelog/tide/iopath/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func preset(t testing.TB, name string) Volume {
	v, err := Preset(name)
	require.NoError(t, err)
	return v
}

// over wraps memory that is remembered by directory.
func over(v Volume, clock func() Clock) iotest.Open {
	devices := map[string]*mem.Device{}
	return func(t testing.TB, c iotest.Config) iopath.Path {
		if devices[c.Dir] == nil {
			devices[c.Dir] = mem.NewDevice(c.Capacity)
		}
		inner, err := mem.Open(mem.Config{Device: devices[c.Dir], ArenaSize: c.ArenaSize, Depth: c.Depth})
		require.NoError(t, err)
		p, err := Wrap(inner, Config{Volume: v, Seed: 1, Clock: clock()})
		require.NoError(t, err)
		return p
	}
}

func virtual() Clock { return NewVirtualClock() }
func system() Clock  { return nil }

// TestSuite keeps the promises of a path whatever the volume, and whatever the
// clock.
func TestSuite(t *testing.T) {
	for name, open := range map[string]iotest.Open{
		"gp3 in virtual time": over(preset(t, "gp3-3000"), virtual),
		"st1 in virtual time": over(preset(t, "st1"), virtual),
		"io2":                 over(preset(t, "io2"), system),
		"timers":              over(preset(t, "io2"), NewTimerClock),
		"limits":              over(Volume{IOPS: 20_000, Rate: 200 * mib}, system),
	} {
		t.Run(name, func(t *testing.T) { iotest.Run(t, open) })
	}
}

func TestAllocs(t *testing.T) {
	iotest.Allocs(t, over(preset(t, "gp3-3000"), virtual))
	iotest.Allocs(t, over(Volume{IOPS: 1_000_000}, system))
}

func TestLatch(t *testing.T) {
	iotest.RunLatch(t, func(t testing.TB, cfg iotest.Config) (iopath.Path, func()) {
		inner, err := mem.Open(mem.Config{Capacity: cfg.Capacity, ArenaSize: cfg.ArenaSize, Depth: cfg.Depth})
		require.NoError(t, err)
		broken := fault.Wrap(inner, fault.Config{})
		p, err := Wrap(broken, Config{Volume: preset(t, "io2"), Clock: NewVirtualClock()})
		require.NoError(t, err)
		return p, func() { broken.Inject(fault.Rule{Kind: fault.Error}) }
	})
}

// TestSaysSimulated: a volume that has a name is on every result, a limit is not.
func TestSaysSimulated(t *testing.T) {
	cfg := iotest.Config{Dir: t.TempDir(), Capacity: 1 * mib, ArenaSize: 64 * kib, Depth: 1}
	p := over(preset(t, "gp3-3000"), virtual)(t, cfg)
	require.Contains(t, p.Geometry().Simulated, "gp3-3000 (3000 IOPS of 256KiB, 125MiB/s, guesses: service p50 600µs")
	require.NoError(t, p.Close())
	p = over(Volume{IOPS: 100}, virtual)(t, cfg)
	require.Empty(t, p.Geometry().Simulated)
	require.NoError(t, p.Close())
}

// TestSameSeedSameTimes writes one by one in virtual time, twice, and gets the
// queue's own answers.
func TestSameSeedSameTimes(t *testing.T) {
	run := func() (times []time.Duration) {
		clock := NewVirtualClock()
		p := over(preset(t, "gp3-3000"), func() Clock { return clock })(t,
			iotest.Config{Dir: t.TempDir(), Capacity: mib, ArenaSize: 64 * kib, Depth: 1})
		for i := range 20 {
			require.NoError(t, iotest.Do(t, p, iotest.Write(p, 0, i, 1, 1, nil)))
			times = append(times, clock.Now())
		}
		require.Equal(t, int64(20), p.(*Path).Stats().Writes)
		require.NoError(t, p.Close())
		return times
	}
	first := run()
	require.Equal(t, first, run())
	q, now := NewQueue(preset(t, "gp3-3000"), 1), time.Duration(0)
	for i, at := range first {
		now = q.Arrive(now, int64(i)*4*kib, 4*kib)
		require.Equal(t, now, at)
	}
}

// TestExactUnderSynctest has plain limits and the runtime's own virtual time:
// 100 writes of 1 MiB through 100 MiB/s take the 100th's start.
func TestExactUnderSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := over(Volume{Rate: 100 * mib}, NewTimerClock)(t,
			iotest.Config{Dir: "disk", Capacity: 4 * mib, ArenaSize: mib, Depth: 1})
		start := time.Now()
		for range 101 {
			require.NoError(t, iotest.Do(t, p, iotest.Write(p, 0, 0, 256, 1, nil)))
		}
		require.Equal(t, time.Second, time.Since(start).Round(time.Microsecond))
		_, err := p.ReadAt(p.Arena(), 0)
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(start).Round(time.Microsecond), "limits are on writes")
		require.NoError(t, p.Close())
	})
}

// TestReadsTakeTime: recovery from a volume goes no faster than it.
func TestReadsTakeTime(t *testing.T) {
	clock := NewVirtualClock()
	p := over(preset(t, "gp3-3000"), func() Clock { return clock })(t,
		iotest.Config{Dir: t.TempDir(), Capacity: 126 * mib, ArenaSize: mib, Depth: 1})
	for i := range 126 {
		_, err := p.ReadAt(p.Arena(), int64(i)*mib)
		require.NoError(t, err)
	}
	require.InDelta(t, 1, clock.Now().Seconds(), 0.02)
	require.NoError(t, p.Close())
}

// TestLate counts what the device was too slow for.
func TestLate(t *testing.T) {
	clock := NewVirtualClock()
	p := over(Volume{IOPS: 1000}, func() Clock { return clock })(t,
		iotest.Config{Dir: t.TempDir(), Capacity: mib, ArenaSize: 64 * kib, Depth: 1})
	require.NoError(t, p.Submit([]*iopath.Write{iotest.Write(p, 0, 0, 1, 1, nil)}))
	clock.Sleep(time.Second) // memory is written by Reap
	_, err := p.Reap(1)
	require.NoError(t, err)
	require.Equal(t, int64(1), p.(*Path).Stats().Late)
	require.NoError(t, p.Close())
}

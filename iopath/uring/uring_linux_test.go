//go:build linux

package uring

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/iotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// files opens a file in the test's directory, the way that c says.
func files(c Config) iotest.Open {
	return func(t testing.TB, cfg iotest.Config) iopath.Path {
		c := c
		c.File, c.Create = filepath.Join(cfg.Dir, "wal"), true
		c.Capacity, c.ArenaSize, c.Depth = cfg.Capacity, cfg.ArenaSize, cfg.Depth
		p, err := Open(c)
		require.NoError(t, err, "this test needs direct I/O: set TMPDIR to a directory on ext4 or xfs")
		return p
	}
}

// durable is a Config of a durability.
func durable(d iopath.Durability) Config {
	return Config{OpenOptions: iopath.OpenOptions{Durability: d}}
}

var durabilities = []iopath.Durability{iopath.Dsync, iopath.Direct, iopath.Fdatasync, iopath.None}

// variants are the ways of driving a ring, beside the durabilities.
func variants() map[string]Config {
	return map[string]Config{
		"mode=leader":         {},
		"mode=leader/fixed":   {Fixed: true},
		"mode=leader/sqpoll":  {SQPoll: true},
		"mode=owner":          {Mode: iopath.ModeOwner},
		"mode=owner/fixed":    {Mode: iopath.ModeOwner, Fixed: true},
		"mode=owner/fd":       {Mode: iopath.ModeOwner, OpenOptions: iopath.OpenOptions{Durability: iopath.Fdatasync}},
		"mode=leader/fixedfd": {Fixed: true, OpenOptions: iopath.OpenOptions{Durability: iopath.Fdatasync}},
	}
}

func TestSuite(t *testing.T) {
	for _, d := range durabilities {
		t.Run(string(d), func(t *testing.T) { iotest.Run(t, files(durable(d))) })
	}
	for name, c := range variants() {
		for _, ring := range rings {
			c.Ring = ring
			t.Run(name+"/ring="+ring, func(t *testing.T) { iotest.Run(t, files(c)) })
		}
	}
}

func TestAllocs(t *testing.T) {
	for _, d := range []iopath.Durability{iopath.Dsync, iopath.Fdatasync, iopath.None} {
		iotest.Allocs(t, files(durable(d)))
	}
	for _, c := range variants() {
		iotest.Allocs(t, files(c))
	}
}

func TestGeometryNamesDurability(t *testing.T) {
	for _, d := range durabilities {
		p := files(durable(d))(t, iotest.Config{Dir: t.TempDir(), Capacity: 1 << 20, ArenaSize: 64 << 10, Depth: 1})
		require.Equal(t, d, p.Geometry().Durability)
		require.NoError(t, p.Close())
	}
}

// device is the open file under either mode.
func device(p iopath.Path) *iopath.Device {
	if o, ok := p.(*owner); ok {
		return o.device
	}
	return p.(*path).device
}

// TestLatch puts a read-only file where the path's own was.
func TestLatch(t *testing.T) {
	for _, c := range []Config{
		{}, {Mode: iopath.ModeOwner}, durable(iopath.Fdatasync),
	} {
		iotest.RunLatch(t, func(t testing.TB, cfg iotest.Config) (iopath.Path, func()) {
			p := files(c)(t, cfg)
			return p, func() {
				f, err := os.Open(filepath.Join(cfg.Dir, "wal"))
				require.NoError(t, err)
				require.NoError(t, unix.Dup3(int(f.Fd()), device(p).Fd(), unix.O_CLOEXEC))
				require.NoError(t, f.Close())
			}
		})
	}
}

// TestFeatures: on the machines that judge this repository all are there,
// except the ring that this build may be without.
func TestFeatures(t *testing.T) {
	for _, f := range Features() {
		if f.Name == "ring=giouring" {
			require.Equal(t, len(rings) == 2, f.OK, f.Reason)
			continue
		}
		require.True(t, f.OK, "%s: %s", f.Name, f.Reason)
	}
}

// TestFailedOpenLeavesNothing: the owner's thread and ring are gone when there
// is no file to open (goleak looks for the goroutine).
func TestFailedOpenLeavesNothing(t *testing.T) {
	for _, c := range variants() {
		c.File = filepath.Join(t.TempDir(), "none")
		_, err := Open(c)
		require.ErrorIs(t, err, os.ErrNotExist)
		require.ErrorContains(t, err, c.File)
	}
}

// BenchmarkWrite compares the rings and the modes; its names are benchstat's.
func BenchmarkWrite(b *testing.B) {
	for _, ring := range rings {
		for _, mode := range []string{iopath.ModeLeader, iopath.ModeOwner} {
			c := Config{Mode: mode, Ring: ring}
			iotest.Bench(b, fmt.Sprintf("uring/ring=%s/mode=%s", ring, mode), files(c))
		}
	}
}

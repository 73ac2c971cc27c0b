//go:build linux

package fsync

import (
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

// files opens a file in the test's directory with a durability. Depth 1 is the
// inline mode and depth 8 the pool, so the suite covers both.
func files(d iopath.Durability) iotest.Open {
	return func(t testing.TB, cfg iotest.Config) iopath.Path {
		p, err := Open(Config{OpenOptions: iopath.OpenOptions{
			File: filepath.Join(cfg.Dir, "wal"), Capacity: cfg.Capacity, ArenaSize: cfg.ArenaSize,
			Depth: cfg.Depth, Durability: d, Create: true,
		}})
		require.NoError(t, err)
		require.Equal(t, d, p.Geometry().Durability)
		return p
	}
}

func TestSuite(t *testing.T) {
	for _, d := range []iopath.Durability{iopath.Fdatasync, iopath.None} {
		t.Run(string(d), func(t *testing.T) { iotest.Run(t, files(d)) })
	}
}

func TestAllocs(t *testing.T) {
	for _, d := range []iopath.Durability{iopath.Fdatasync, iopath.None} {
		iotest.Allocs(t, files(d))
	}
}

// TestLatch puts a read-only file where the path's own was.
func TestLatch(t *testing.T) {
	for _, d := range []iopath.Durability{iopath.Fdatasync, iopath.None} {
		iotest.RunLatch(t, func(t testing.TB, cfg iotest.Config) (iopath.Path, func()) {
			p := files(d)(t, cfg)
			return p, func() {
				f, err := os.Open(filepath.Join(cfg.Dir, "wal"))
				require.NoError(t, err)
				require.NoError(t, unix.Dup3(int(f.Fd()), p.(*iopath.DevicePath).Device().Fd(), unix.O_CLOEXEC))
				require.NoError(t, f.Close())
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) { iotest.Bench(b, "fsync", files(iopath.Fdatasync)) }

// TestOnlyFdatasync: O_DSYNC on a buffered file would be another way of
// writing, measured under this one's name.
func TestOnlyFdatasync(t *testing.T) {
	for _, d := range []iopath.Durability{iopath.Dsync, iopath.Direct} {
		_, err := Open(Config{iopath.OpenOptions{File: filepath.Join(t.TempDir(), "wal"), Durability: d, Create: true}})
		require.ErrorContains(t, err, "buffered writes have only fdatasync and none")
	}
}

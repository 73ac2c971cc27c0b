//go:build linux

package open

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/iotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open parses a URL in which DIR stands for a directory of the test's own.
func open(t *testing.T, url, dir string, o Options) (iopath.Path, error) {
	spec, err := iopath.ParseURL(strings.ReplaceAll(url, "DIR", dir))
	require.NoError(t, err)
	return Path(spec, o)
}

// TestEveryScheme: each URL opens, keeps a write, and says what it is.
func TestEveryScheme(t *testing.T) {
	for url, want := range map[string]iopath.Durability{
		"pwrite:DIR/wal":                         iopath.Dsync,
		"pwrite:DIR/wal?durability=direct":       iopath.Direct,
		"fsync:DIR/wal":                          iopath.Fdatasync,
		"uring:DIR/wal?mode=leader":              iopath.Dsync,
		"uring:DIR/wal?mode=owner&fixed=1":       iopath.Dsync,
		"uring:DIR/wal?sqpoll=1":                 iopath.Dsync,
		"mem:":                                   iopath.None,
		"mem:?model=io2&seed=3":                  iopath.None,
		"pwrite:DIR/wal?iops=10000&rate=50MiB/s": iopath.Dsync,
	} {
		t.Run(url, func(t *testing.T) {
			var log bytes.Buffer
			p, err := open(t, url, t.TempDir(), Options{
				ArenaSize: 1 << 20, Capacity: 1 << 20, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			require.NoError(t, err, "this test needs direct I/O: set TMPDIR to a directory on ext4 or xfs")
			require.Equal(t, want, p.Geometry().Durability)
			require.Equal(t, int64(1<<20), p.Geometry().Capacity)
			simulated := strings.Contains(url, "model=")
			require.Equal(t, simulated, p.Geometry().Simulated != "")
			require.Equal(t, simulated, strings.Contains(log.String(), "simulated"))
			require.NoError(t, iotest.Do(t, p, iotest.Write(p, 0, 3, 1, 7, nil)))
			require.Equal(t, byte(7), iotest.Read(t, p, 3, 1)[0])
			require.NoError(t, p.Close())
		})
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	_, err := open(t, "pwrite:DIR/none", dir, Options{MustExist: true})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoFileExists(t, filepath.Join(dir, "none"))
	_, err = Path(iopath.Spec{Scheme: "aio"}, Options{})
	require.ErrorContains(t, err, "want uring, pwrite, fsync or mem")
	_, err = Path(iopath.Spec{Scheme: iopath.SchemeMem, Model: "gp2"}, Options{})
	require.ErrorContains(t, err, "want one of gp3-16000")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	_, err = open(t, "pwrite:DIR/file/wal", dir, Options{})
	require.ErrorContains(t, err, "not a directory")
	_, err = open(t, "pwrite:DIR/mount/wal", dir, Options{})
	require.ErrorContains(t, err, "mount what belongs there")
	require.NoDirExists(t, filepath.Join(dir, "mount"), "else the WAL would lie on another disk")
}

func TestFillingIsLogged(t *testing.T) {
	var log bytes.Buffer
	p, err := open(t, "pwrite:DIR/wal?capacity=8MiB", t.TempDir(), Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	require.Contains(t, log.String(), "percent=50")
	require.Contains(t, log.String(), "percent=100")
	require.NoError(t, p.Close())
}

package raftmeta

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneProcessADirectory(t *testing.T) {
	cfg := config(t.TempDir())
	n := open(t, cfg)
	_, err := Open(cfg)
	require.ErrorIs(t, err, ErrInUse)
	require.ErrorContains(t, err, filepath.Join(cfg.Dir, logFile))
	require.NoError(t, n.Close())
	open(t, cfg)
}

func TestDirectoryOfAnotherNode(t *testing.T) {
	cfg := config(t.TempDir())
	require.NoError(t, open(t, cfg).Close())
	cfg.NodeID = 2
	_, err := Open(cfg)
	require.ErrorContains(t, err, "node 2 is not in it")
}

func TestDirectoryCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Open(config(filepath.Join(file, "dir")))
	require.ErrorContains(t, err, file)
}

// TestHalfMade: killed between the two transactions of the first start.
func TestHalfMade(t *testing.T) {
	cfg := config(t.TempDir())
	s, err := openStore(cfg.Dir, cfg.LockTimeout)
	require.NoError(t, err)
	require.NoError(t, s.SetUint64([]byte("CurrentTerm"), 1))
	require.NoError(t, s.Close())
	propose(t, open(t, cfg), topic(1))
}

// TestDamagedLog: each kind of damage is one error that names the file.
func TestDamagedLog(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"cut to two pages":  func(b []byte) []byte { return b[:2*os.Getpagesize()] },
		"cut to half":       func(b []byte) []byte { return b[:len(b)/2] },
		"cut to a few":      func(b []byte) []byte { return b[:100] },
		"zeros":             func(b []byte) []byte { return make([]byte, len(b)) },
		"text":              func(b []byte) []byte { return bytes.Repeat([]byte("tide "), len(b)/5) },
		"no pages":          func(b []byte) []byte { clear(b[2*os.Getpagesize():]); return b },
		"one byte of a log": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"name":"t77"`), []byte(`"name":"t78"`)) },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t.TempDir())
			n := open(t, cfg)
			for i := range 80 {
				propose(t, n, topic(i))
			}
			require.NoError(t, n.Close())
			path := filepath.Join(cfg.Dir, logFile)
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, damage(data), 0o600))
			_, err = Open(cfg)
			require.ErrorIs(t, err, ErrDamaged)
			require.ErrorContains(t, err, path)
		})
	}
}

func TestDamagedSnapshot(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.TrailingLogs = 1
	n := open(t, cfg)
	propose(t, n, topic(1), topic(2), topic(3))
	require.NoError(t, n.Snapshot())
	propose(t, n, topic(4))
	require.NoError(t, n.Close())
	files, err := filepath.Glob(filepath.Join(cfg.Dir, snapshotDir, "*", "state.bin"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(files[0], bytes.Replace(data, []byte("t2"), []byte("t9"), 1), 0o600))
	_, err = Open(cfg)
	require.ErrorIs(t, err, ErrDamaged)
	require.ErrorContains(t, err, "snapshot")

	require.NoError(t, os.RemoveAll(filepath.Dir(files[0])))
	_, err = Open(cfg)
	require.ErrorIs(t, err, ErrDamaged, "the log alone does not reach back to the beginning")
}

// TestOlderSnapshotWillDo: the newest is damaged, but the log reaches back to
// where nothing is missing.
func TestOlderSnapshotWillDo(t *testing.T) {
	cfg := config(t.TempDir())
	n := open(t, cfg)
	propose(t, n, topic(1), topic(2))
	require.NoError(t, n.Snapshot())
	want := image(t, n)
	require.NoError(t, n.Close())
	files, err := filepath.Glob(filepath.Join(cfg.Dir, snapshotDir, "*", "state.bin"))
	require.NoError(t, err)
	require.NoError(t, os.Truncate(files[0], 10))
	_, err = Open(cfg)
	require.ErrorIs(t, err, ErrDamaged, "raft reads none, and says so")
	require.NoError(t, os.RemoveAll(filepath.Dir(files[0])))
	require.Equal(t, want, image(t, open(t, cfg)))
}

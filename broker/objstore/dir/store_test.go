package dir_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/dir"
	"github.com/tidelog/tide/broker/objstore/storetest"
)

func open(t *testing.T, cfg dir.Config) *dir.Store {
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := dir.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestStore(t *testing.T) {
	for name, piece := range map[string]int{"piece=1MiB": 0, "piece=4KiB": 4096} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) objstore.Store {
				return open(t, dir.Config{Root: filepath.Join(t.TempDir(), "deep", "objects"), PieceSize: piece})
			})
		})
	}
}

// recorder notes what is done to the tree, with the temporary file's name left
// out, and fails the steps it is told to.
type recorder struct {
	root string
	mu   sync.Mutex
	log  []string
	fail map[string]error
}

func (r *recorder) name(path string) string {
	rel, err := filepath.Rel(r.root, path)
	if err != nil || strings.HasPrefix(rel, "..") {
		return "ROOT/" + rel
	}
	if strings.HasPrefix(rel, ".tide-tmp") {
		return "TEMP"
	}
	return filepath.ToSlash(rel)
}

func (r *recorder) step(text string, do func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, text)
	if err := r.fail[text]; err != nil {
		return err
	}
	return do()
}

func (r *recorder) WriteFile(_ context.Context, path string, body objstore.Body) error {
	return r.step("write "+r.name(path), func() error {
		all, err := io.ReadAll(body.Reader())
		return errors.Join(err, os.WriteFile(path, all, 0o666))
	})
}

func (r *recorder) Mkdir(path string) error {
	return r.step("mkdir "+r.name(path), func() error { return os.Mkdir(path, 0o777) })
}

func (r *recorder) Publish(from, to string) error {
	return r.step("publish "+r.name(from)+" "+r.name(to), func() error {
		if err := os.Link(from, to); err != nil {
			return err
		}
		return os.Remove(from)
	})
}

func (r *recorder) Remove(path string) error {
	return r.step("remove "+r.name(path), func() error { return os.Remove(path) })
}

func (r *recorder) SyncDir(path string) error {
	return r.step("sync "+r.name(path), func() error { return nil })
}

func (r *recorder) take() string {
	out := strings.Join(r.log, "\n")
	r.log = nil
	return out
}

// TestOrder proves the order of steps on which durability rests.
func TestOrder(t *testing.T) {
	r := &recorder{root: filepath.Join(t.TempDir(), "new", "objects"), fail: map[string]error{}}
	s := open(t, dir.Config{Root: r.root, FS: r})
	require.Equal(t, "mkdir .\nmkdir ROOT/..\nmkdir .\nsync ROOT/../..\nsync ROOT/..", r.take(),
		"a root that is made is made durable with its parents")

	put := func(key string) error { return s.Put(t.Context(), key, objstore.Body{[]byte("x")}) }
	require.NoError(t, put("70000000/DEFAULT/7"))
	require.Equal(t, "write TEMP\nmkdir 70000000/DEFAULT\nmkdir 70000000\nmkdir 70000000/DEFAULT\n"+
		"publish TEMP 70000000/DEFAULT/7\nsync 70000000/DEFAULT\nsync 70000000\nsync .", r.take())

	require.NoError(t, put("70000000/DEFAULT/7"))
	require.Equal(t, "write TEMP\nmkdir 70000000/DEFAULT\npublish TEMP 70000000/DEFAULT/7\nremove TEMP\n"+
		"sync 70000000/DEFAULT\nsync 70000000\nsync .", r.take(), "whoever made the directories may not have synced them yet")

	require.NoError(t, s.Delete(t.Context(), "70000000/DEFAULT/7"))
	require.Equal(t, "remove 70000000/DEFAULT/7\nremove 70000000/DEFAULT\nremove 70000000\nsync .", r.take())
}

// TestFailures: each step that fails fails the Put, leaves no temporary file,
// names the place, and lets a repetition succeed.
func TestFailures(t *testing.T) {
	for step, errno := range map[string]syscall.Errno{
		"write TEMP": syscall.ENOSPC, "mkdir a": syscall.EACCES, "publish TEMP a/b": syscall.EROFS, "sync a": syscall.EIO, "sync .": syscall.EIO,
	} {
		t.Run(step, func(t *testing.T) {
			r := &recorder{root: filepath.Join(t.TempDir(), "objects"), fail: map[string]error{}}
			s := open(t, dir.Config{Root: r.root, FS: r})
			r.fail[step] = errno
			err := s.Put(t.Context(), "a/b", objstore.Body{[]byte("x")})
			require.ErrorIs(t, err, errno)
			require.ErrorContains(t, err, r.root)
			if errno != syscall.EIO {
				require.ErrorContains(t, err, "--store dir:PATH", "the remedy is named")
			}
			_, err = s.Head(t.Context(), "a/b")
			require.ErrorIs(t, err, objstore.ErrNotFound, "a name whose fsync failed is taken back")
			temps, err := filepath.Glob(filepath.Join(r.root, ".tide-tmp", "p-*", "[0-9]*"))
			require.NoError(t, err)
			require.Empty(t, temps)
			delete(r.fail, step)
			require.NoError(t, s.Put(t.Context(), "a/b", objstore.Body{[]byte("x")}))
		})
	}
}

// TestCrash: after each step of a Put, and whatever of the names made since
// their directory's fsync is lost, an object whose Put returned is there and
// every other one is there whole or not at all.
func TestCrash(t *testing.T) {
	whole := storetest.Content(10000, 1)
	for stop := range 14 {
		for lost := range 8 {
			root := filepath.Join(t.TempDir(), "objects")
			c := dir.NewCrashFS()
			cut := &cutter{FS: c, left: stop}
			var acked []string
			s, err := dir.Open(dir.Config{Root: root, FS: cut, Logger: slog.New(slog.DiscardHandler)})
			if err == nil {
				for _, key := range []string{"1/n/1", "1/n/2", "2/n/3"} {
					if s.Put(t.Context(), key, objstore.Body{whole}) == nil {
						acked = append(acked, key)
					}
				}
				require.NoError(t, s.Close())
			}
			i := 0
			require.NoError(t, c.Crash(func(string) bool { i++; return lost>>(i-1)&1 == 0 }))

			s = open(t, dir.Config{Root: root})
			for _, key := range acked {
				_, err := s.Head(t.Context(), key)
				require.NoError(t, err, "stop %d, lost %b: %s was acknowledged", stop, lost, key)
			}
			require.NoError(t, s.List(t.Context(), "", func(info objstore.Info) error {
				p := make([]byte, len(whole))
				require.NoError(t, s.GetRange(t.Context(), info.Key, 0, p))
				require.True(t, bytes.Equal(whole, p) && info.Size == int64(len(whole)))
				return nil
			}))
		}
	}
}

// cutter lets a number of steps through and fails all later ones, as if the
// process had stopped.
type cutter struct {
	dir.FS
	left int
}

func (c *cutter) pass(do func() error) error {
	if c.left--; c.left < 0 {
		return dir.ErrCrashed
	}
	return do()
}

func (c *cutter) Mkdir(p string) error { return c.pass(func() error { return c.FS.Mkdir(p) }) }
func (c *cutter) Publish(a, b string) error {
	return c.pass(func() error { return c.FS.Publish(a, b) })
}
func (c *cutter) Remove(p string) error  { return c.pass(func() error { return c.FS.Remove(p) }) }
func (c *cutter) SyncDir(p string) error { return c.pass(func() error { return c.FS.SyncDir(p) }) }

// TestLeftovers: an open cleans what a store that is gone left half written,
// and nothing of one that is still open.
func TestLeftovers(t *testing.T) {
	root := t.TempDir()
	gone := filepath.Join(root, ".tide-tmp", "p-gone")
	require.NoError(t, os.MkdirAll(gone, 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(gone, "lock"), nil, 0o666))
	require.NoError(t, os.WriteFile(filepath.Join(gone, "1"), []byte("half"), 0o666))
	require.NoError(t, os.MkdirAll(filepath.Join(root, ".tide-tmp", "p-early"), 0o777))

	first := open(t, dir.Config{Root: root})
	open(t, dir.Config{Root: root})
	left, err := filepath.Glob(filepath.Join(root, ".tide-tmp", "p-*"))
	require.NoError(t, err)
	require.Len(t, left, 2, "the two that are open")
	require.NoError(t, first.Put(t.Context(), "a", objstore.Body{[]byte("x")}))
	require.NoError(t, first.List(t.Context(), "", func(i objstore.Info) error {
		require.Equal(t, "a", i.Key)
		return nil
	}))
	require.ErrorIs(t, first.Put(t.Context(), ".tide-tmp/x", nil), objstore.ErrKey)
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o666))
	for _, root := range []string{file, filepath.Join(file, "objects")} {
		_, err := dir.Open(dir.Config{Root: root})
		require.ErrorContains(t, err, root)
		require.ErrorContains(t, err, "a file stands where a directory should be")
	}
	_, err := dir.Open(dir.Config{WriteRate: -1, PieceSize: 5000, Writers: -1})
	for _, fault := range []string{"no root", "write rate of -1", "piece size of 5000", "-1 writers"} {
		require.ErrorContains(t, err, fault, "all faults at once")
	}
}

// TestWriteRate: under virtual time a paced Put takes as long as its bytes do
// at the rate, less the first piece, which need not wait.
func TestWriteRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir.Config{Root: t.TempDir(), PieceSize: 4096, WriteRate: 4096 * 100})
		start := time.Now()
		require.NoError(t, s.Put(t.Context(), "a", objstore.Body{storetest.Content(4096*51, 1)}))
		require.Equal(t, 500*time.Millisecond, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, s.Put(ctx, "b", objstore.Body{storetest.Content(4096*51, 1)}), context.DeadlineExceeded)
		_, err := s.Head(t.Context(), "b")
		require.ErrorIs(t, err, objstore.ErrNotFound)
	})
}

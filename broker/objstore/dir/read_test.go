package dir

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/storetest"
	"github.com/tidelog/tide/internal/arena"
)

func openRead(t *testing.T, cfg Config) *Store {
	cfg.Root, cfg.Logger = t.TempDir(), slog.New(slog.DiscardHandler)
	s, err := Open(cfg)
	require.NoError(t, err)
	return s
}

// TestReadingIsAStore: the suite passes with O_DIRECT and without, with hardly
// a file kept open, with one read at a time, and in pieces beside a log.
func TestReadingIsAStore(t *testing.T) {
	for name, cfg := range map[string]Config{
		"direct": {}, "buffered": {BufferedReads: true}, "one file, one reader": {OpenFiles: 1, Readers: 1},
		"beside a log": {Beside: func() bool { return true }},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) objstore.Store { return openRead(t, cfg) })
		})
	}
}

// TestFilesStayOpen: no more than the limit, the newest ones, and none at the
// end; a file in use is closed by its last user.
func TestFilesStayOpen(t *testing.T) {
	s := openRead(t, Config{OpenFiles: 3})
	before := openFiles(t)
	for n := range 6 {
		require.NoError(t, s.Put(t.Context(), fmt.Sprint(n), objstore.Body{storetest.Content(9000, n)}))
	}
	read := func(n int) {
		p := make([]byte, 100)
		require.NoError(t, s.GetRange(t.Context(), fmt.Sprint(n), 50, p))
		require.Equal(t, storetest.Content(9000, n)[50:150], p)
	}
	for n := range 6 {
		read(n)
		require.LessOrEqual(t, openFiles(t)-before, 3)
	}
	require.NotNil(t, s.files.byKey["5"])
	require.Nil(t, s.files.byKey["2"])
	held, err := s.open(t.Context(), "5")
	require.NoError(t, err)
	for n := range 4 {
		read(n)
	}
	require.Equal(t, 4, openFiles(t)-before, "three, and the one in use")
	_, err = held.buffered.Stat()
	require.NoError(t, err)
	held.release()
	require.Equal(t, 3, openFiles(t)-before)
	require.NoError(t, s.Close())
	require.Less(t, openFiles(t), before)
}

func openFiles(t *testing.T) int {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		return 0
	}
	names, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(names)
}

// TestRemovedFileIsGone: by this store, by another one, by hand.
func TestRemovedFileIsGone(t *testing.T) {
	s := openRead(t, Config{})
	for name, remove := range map[string]func(key string) error{
		"this":  func(key string) error { return s.Delete(t.Context(), key) },
		"hands": func(key string) error { return os.Remove(filepath.Join(s.root, key)) },
	} {
		key := "a/b/" + name
		require.NoError(t, s.Put(t.Context(), key, objstore.Body{[]byte("some bytes")}))
		p := make([]byte, 4)
		require.NoError(t, s.GetRange(t.Context(), key, 0, p))
		require.NoError(t, remove(key))
		require.ErrorIs(t, s.GetRange(t.Context(), key, 0, p), objstore.ErrNotFound, name)
		_, err := s.Head(t.Context(), key)
		require.ErrorIs(t, err, objstore.ErrNotFound, name)
	}
	require.NoError(t, s.Close())
}

// TestOpeningIsTriedAgain: an error that passes does not stay with an open file.
func TestOpeningIsTriedAgain(t *testing.T) {
	s := openRead(t, Config{})
	require.NoError(t, s.Put(t.Context(), "a", objstore.Body{[]byte("some bytes")}))
	require.NoError(t, s.GetRange(t.Context(), "a", 0, make([]byte, 4)))
	mem, err := arena.Map(directUnit)
	require.NoError(t, err)
	defer func() { require.NoError(t, arena.Unmap(mem)) }()
	read := func() error {
		return s.GetSlots(t.Context(), "a", 0, []objstore.Slot{{Buf: mem, Size: 4}})
	}
	path := filepath.Join(s.root, "a")
	require.NoError(t, os.Rename(path, path+"way"))
	if directFlag != 0 {
		require.ErrorIs(t, read(), objstore.ErrNotFound)
	}
	require.NoError(t, os.Rename(path+"way", path))
	require.NoError(t, read())
	require.Equal(t, "some", string(mem[:4]))
	require.NoError(t, s.Close())
}

// TestReadersAndDeletes: reads that race with the end of their object end with
// its bytes or with ErrNotFound.
func TestReadersAndDeletes(t *testing.T) {
	s := openRead(t, Config{OpenFiles: 2})
	var wg sync.WaitGroup
	for n := range 4 {
		for k := range 8 {
			key := fmt.Sprintf("%d/%d", n, k)
			require.NoError(t, s.Put(t.Context(), key, objstore.Body{storetest.Content(20000, n)}))
			for range 2 {
				wg.Go(func() {
					mem, err := arena.Map(20480)
					if err != nil {
						t.Error(err)
						return
					}
					defer func() { _ = arena.Unmap(mem) }()
					slot := objstore.Slot{Buf: mem, Head: 1000, Size: 15000}
					err = s.GetSlots(t.Context(), key, 1000, []objstore.Slot{slot})
					if err == nil {
						if string(slot.Data()) != string(storetest.Content(20000, n)[1000:16000]) {
							t.Errorf("%s: other bytes", key)
						}
					} else if !errors.Is(err, objstore.ErrNotFound) {
						t.Error(err)
					}
				})
			}
			wg.Go(func() {
				if err := s.Delete(t.Context(), key); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	require.NoError(t, s.Close())
}

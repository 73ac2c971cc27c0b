package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/tidelog/tide/broker/objstore"
)

// Store is an objstore.Store over a directory. Calls end between two system
// calls when their context does; a single one on a hanging disk it cannot cut.
type Store struct {
	root   string
	fs     FS
	writer *writer
	log    *slog.Logger
	files  *files
	gate   *objstore.Gate // of reads
	beside beside
	temp   string   // our directory for files being written
	lock   *os.File // says that temp is in use
	names  atomic.Int64
	closed atomic.Bool

	readBuffered atomic.Bool // O_DIRECT is not to be had, or not wanted, for reading
}

// Open opens the directory, making it if it is missing, removes what stores
// that are gone left half written, and makes sure that it can be written to.
func Open(cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	root, err := filepath.Abs(cfg.Root)
	if err != nil {
		return nil, fmt.Errorf("object directory %s: %w", cfg.Root, err)
	}
	w := newWriter(cfg)
	s := &Store{root: root, fs: cfg.FS, writer: w, log: cfg.Logger, files: newFiles(cfg.OpenFiles), gate: newGate(cfg.Readers), beside: newBeside(cfg.Beside)}
	s.readBuffered.Store(cfg.BufferedReads)
	if s.fs == nil {
		s.fs = osFS{w}
	}
	if err := s.makeRoot(); err != nil {
		return nil, s.explain("open", err)
	}
	if err := s.openTemp(); err != nil {
		return nil, s.explain("open", err)
	}
	return s, nil
}

// makeRoot makes the root and its missing parents durable.
func (s *Store) makeRoot() error {
	made := []string{}
	if err := mkdirs(s.fs, s.root, filepath.Dir, func(d string) { made = append(made, d) }); err != nil {
		return err
	}
	if info, err := os.Stat(s.root); err != nil {
		return err
	} else if !info.IsDir() {
		return &os.PathError{Op: "open", Path: s.root, Err: errNotDir}
	}
	for _, d := range made {
		if err := s.fs.SyncDir(filepath.Dir(d)); err != nil {
			return err
		}
	}
	if len(made) > 0 {
		return nil
	}
	// A run that was killed in between may have made the root without this.
	return s.fs.SyncDir(filepath.Dir(s.root))
}

// path is the file of a key.
func (s *Store) path(ctx context.Context, key string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	if s.closed.Load() {
		return "", fmt.Errorf("%s: %w", key, objstore.ErrClosed)
	}
	if err := objstore.CheckKey(key); err != nil {
		return "", err
	}
	if key == tempDir || strings.HasPrefix(key, tempDir+"/") {
		return "", fmt.Errorf("key %q: %s is the store's own: %w", key, tempDir, objstore.ErrKey)
	}
	return filepath.Join(s.root, filepath.FromSlash(key)), nil
}

// GetRange reads through the page cache, with one pread, or beside a log in pieces.
func (s *Store) GetRange(ctx context.Context, key string, pos int64, p []byte) error {
	f, err := s.open(ctx, key)
	if err != nil {
		return err
	}
	defer f.release()
	if err := objstore.CheckRange(key, f.size, pos, len(p)); err != nil {
		return err
	}
	if len(p) == 0 {
		return nil
	}
	if _, err := s.gate.Enter(ctx); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	defer s.gate.Leave()
	if err := s.beside.readAt(ctx, f.buffered, p, len(p), pos); err != nil {
		return s.explain(key, err)
	}
	return nil
}

// Head returns the size of the file.
func (s *Store) Head(ctx context.Context, key string) (objstore.Info, error) {
	f, err := s.open(ctx, key)
	if err != nil {
		return objstore.Info{}, err
	}
	defer f.release()
	return objstore.Info{Key: key, Size: f.size}, nil
}

// absent reports that there is no file: no such name, or a file in the place
// of one of the directories above it.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotDir) }

// Delete removes the file, and its directories when they are empty: each
// object has directories of its own, which would pile up.
func (s *Store) Delete(ctx context.Context, key string) error {
	path, err := s.path(ctx, key)
	if err != nil {
		return err
	}
	// Last, since a reader may open the file until it is gone, and an open file
	// keeps its space on the disk.
	defer s.files.forget(key)
	info, err := os.Lstat(path)
	if absent(err) || err == nil && info.IsDir() {
		return nil
	}
	if err == nil {
		err = s.fs.Remove(path)
	}
	if err != nil && !absent(err) {
		return s.explain(key, err)
	}
	d := filepath.Dir(path)
	for d != s.root && s.fs.Remove(d) == nil { // it fails at the first that is not empty
		d = filepath.Dir(d)
	}
	// A Put that runs beside this one may need and make a directory that was
	// removed here; see publish.
	if err := s.fs.SyncDir(d); err != nil && !absent(err) {
		return s.explain(key, err)
	}
	return nil
}

// Close ends Puts that still write and gives memory and lock back.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.files.closeAll()
	return errors.Join(s.writer.close(), os.RemoveAll(s.temp), s.lock.Close())
}

func (s *Store) tempName() string {
	return filepath.Join(s.temp, strconv.FormatInt(s.names.Add(1), 10))
}

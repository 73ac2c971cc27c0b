package dir

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/tidelog/tide/broker/objstore"
)

// file is an object's open file: once for the page cache and, when a slot is
// read, once more for O_DIRECT.
type file struct {
	path     string
	size     int64 // bytes; objects do not change
	buffered *os.File

	opening sync.Mutex
	direct  *os.File // nil: not opened yet; guarded by opening

	files *files
	key   string
	users int           // guarded by files.mu; the last one of a file that left the cache closes it
	place *list.Element // nil: it has left the cache; guarded by files.mu
}

// openDirect is tried again after an error, which may have been a want of
// descriptors: a hot file stays here for ever.
func (f *file) openDirect() (*os.File, error) {
	f.opening.Lock()
	defer f.opening.Unlock()
	if f.direct == nil {
		opened, err := os.OpenFile(f.path, directRead, 0)
		if err != nil {
			return nil, err
		}
		f.direct = opened
	}
	return f.direct, nil
}

// close is called when nobody uses the file.
func (f *file) close() error {
	err := f.buffered.Close()
	if f.direct != nil {
		err = errors.Join(err, f.direct.Close())
	}
	return err
}

// release ends one use.
func (f *file) release() {
	f.files.mu.Lock()
	defer f.files.mu.Unlock()
	f.users--
	f.files.closeUnused(f)
}

// files keeps the files of hot objects open: opening one costs as much as
// reading some 100 KiB of it. At most limit of them are kept beyond those in
// use; the one not used longest goes.
//
// A file that was removed must not be served from here, by whomever it was
// removed: so each use looks at its number of names first, which is one fstat.
type files struct {
	limit int

	mu    sync.Mutex
	byKey map[string]*file
	order *list.List // of *file, the newest use first
}

func newFiles(limit int) *files {
	return &files{limit: limit, byKey: make(map[string]*file), order: list.New()}
}

// get returns the cached file with one more user, or nil.
func (c *files) get(key string) *file {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.byKey[key]
	if f == nil {
		return nil
	}
	if info, err := f.buffered.Stat(); err != nil || unlinked(info) {
		c.drop(f)
		return nil
	}
	c.order.MoveToFront(f.place)
	f.users++
	return f
}

// put caches a file that was just opened, with one user. Another one under the
// key, put meanwhile, leaves.
func (c *files) put(f *file) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.files, f.users = c, 1
	if c.limit == 0 || !countsLinks {
		return
	}
	if twin := c.byKey[f.key]; twin != nil {
		c.drop(twin)
	}
	c.byKey[f.key], f.place = f, c.order.PushFront(f)
	for c.order.Len() > c.limit {
		c.drop(c.order.Back().Value.(*file))
	}
}

// forget closes the file of a key; its users go on.
func (c *files) forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.byKey[key]; f != nil {
		c.drop(f)
	}
}

func (c *files) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = 0
	for c.order.Len() > 0 {
		c.drop(c.order.Back().Value.(*file))
	}
}

func (c *files) drop(f *file) {
	delete(c.byKey, f.key)
	c.order.Remove(f.place)
	f.place = nil
	c.closeUnused(f)
}

// closeUnused is called with mu held. What close reports of a file that was
// only read is of no use to anybody.
func (c *files) closeUnused(f *file) {
	if f.users == 0 && f.place == nil {
		_ = f.close()
	}
}

// open returns the file of a key, to be released. A directory of that name is
// no object.
func (s *Store) open(ctx context.Context, key string) (*file, error) {
	path, err := s.path(ctx, key)
	if err != nil {
		return nil, err
	}
	if f := s.files.get(key); f != nil {
		return f, nil
	}
	opened, err := os.Open(path)
	if absent(err) {
		return nil, fmt.Errorf("%s: %w", key, objstore.ErrNotFound)
	}
	if err != nil {
		return nil, s.explain(key, err)
	}
	info, err := opened.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", key, objstore.ErrNotFound)
	}
	if err != nil {
		opened.Close()
		return nil, err
	}
	f := &file{path: path, key: key, size: info.Size(), buffered: opened}
	s.files.put(f)
	return f, nil
}

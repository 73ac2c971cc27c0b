package dir

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/tidelog/tide/broker/objstore"
)

// ErrCrashed is returned by every call of a CrashFS after Crash.
var ErrCrashed = errors.New("the file system has crashed")

// CrashFS is an FS for crash tests. It works on real files and remembers which
// names were made and not covered by a SyncDir of their directory since. Crash
// takes such names away again, as a power cut may, and refuses every later
// call, as a dead process does.
//
// Bytes of files are not its matter: no name is given to bytes that are not
// durable. A removal counts as durable at once; that a deleted object comes
// back does no harm to what was acknowledged.
type CrashFS struct {
	inner  FS
	writer *writer // of inner; closed by Crash

	mu      sync.Mutex
	crashed bool
	pending []string // names made and not synced, oldest first
}

// NewCrashFS returns a CrashFS over the machine's file system.
func NewCrashFS() *CrashFS {
	w := newWriter(Config{}.withDefaults())
	return &CrashFS{inner: osFS{w}, writer: w}
}

// do runs one step unless there was a crash. Steps exclude each other and
// Crash, so each has happened or has not.
func (c *CrashFS) do(step func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.crashed {
		return ErrCrashed
	}
	return step()
}

// WriteFile implements FS. It may go on during a crash: nothing refers to the
// file until Publish.
func (c *CrashFS) WriteFile(ctx context.Context, path string, body objstore.Body) error {
	if err := c.do(func() error { return nil }); err != nil {
		return err
	}
	return c.inner.WriteFile(ctx, path, body)
}

// Mkdir implements FS.
func (c *CrashFS) Mkdir(path string) error {
	return c.do(func() error { return c.made(path, c.inner.Mkdir(path)) })
}

// Publish implements FS.
func (c *CrashFS) Publish(from, to string) error {
	return c.do(func() error { return c.made(to, c.inner.Publish(from, to)) })
}

func (c *CrashFS) made(path string, err error) error {
	if err == nil {
		c.pending = append(c.pending, path)
	}
	return err
}

// Remove implements FS.
func (c *CrashFS) Remove(path string) error {
	return c.do(func() error {
		c.pending = slices.DeleteFunc(c.pending, func(p string) bool { return p == path })
		return c.inner.Remove(path)
	})
}

// SyncDir implements FS.
func (c *CrashFS) SyncDir(path string) error {
	return c.do(func() error {
		if err := c.inner.SyncDir(path); err != nil {
			return err
		}
		c.pending = slices.DeleteFunc(c.pending, func(p string) bool { return filepath.Dir(p) == path })
		return nil
	})
}

// Pending are the names that a crash now could take away, oldest first.
func (c *CrashFS) Pending() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.pending)
}

// Crash ends everything and takes away each name that is not durable, unless
// keep says that it survived. A directory that goes takes along what is in it,
// durable or not. Open a new store on the root afterwards.
func (c *CrashFS) Crash(keep func(path string) bool) error {
	c.mu.Lock()
	c.crashed = true
	c.mu.Unlock()
	err := c.writer.close() // files being written end here, none is published
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.pending {
		if !keep(p) {
			err = errors.Join(err, os.RemoveAll(p))
		}
	}
	c.pending = nil
	return err
}

package dir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tidelog/tide/broker/objstore"
)

// Put writes the object under a temporary name, publishes it and makes its
// name durable, with every directory that leads to it.
func (s *Store) Put(ctx context.Context, key string, body objstore.Body) error {
	path, err := s.path(ctx, key)
	if err != nil {
		return err
	}
	temp := s.tempName()
	if err := s.fs.WriteFile(ctx, temp, body); err != nil {
		return s.explain(key, err)
	}
	if err := s.publish(temp, path, body); err != nil {
		return errors.Join(s.explain(key, err), s.fs.Remove(temp))
	}
	if err := s.syncUp(filepath.Dir(path)); err != nil {
		// A directory whose fsync has failed may count as clean afterwards, so
		// repeating the fsync proves nothing. Without the name a repeated Put
		// changes the directory anew.
		return errors.Join(s.explain(key, err), s.fs.Remove(path))
	}
	return nil
}

// publishTries bounds how often a Delete may take the directory away between
// its making and the rename.
const publishTries = 10

// publish gives the temporary file its name. An object of the same bytes that
// is there already is as good, since a Put may be repeated.
func (s *Store) publish(temp, path string, body objstore.Body) error {
	var err error
	for range publishTries {
		if err = mkdirs(s.fs, filepath.Dir(path), filepath.Dir, func(string) {}); err != nil {
			return err
		}
		if err = s.fs.Publish(temp, path); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	same, err := holds(path, body)
	if err != nil {
		return err
	}
	if !same {
		return objstore.ErrExists
	}
	return s.fs.Remove(temp)
}

// holds reports whether the file has exactly these bytes.
func holds(path string, body objstore.Body) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() != body.Size() || !info.Mode().IsRegular() {
		return false, err
	}
	buf := make([]byte, 64<<10)
	for _, p := range body {
		for len(p) > 0 {
			n, err := io.ReadFull(f, buf[:min(len(p), len(buf))])
			if err != nil {
				return false, err
			}
			if !bytes.Equal(buf[:n], p[:n]) {
				return false, nil
			}
			p = p[n:]
		}
	}
	return true, nil
}

// syncUp makes the names on the way from a directory up to the root durable.
func (s *Store) syncUp(d string) error {
	for {
		if err := s.fs.SyncDir(d); err != nil {
			return err
		}
		if d == s.root {
			return nil
		}
		if up := filepath.Dir(d); up != d {
			d = up
			continue
		}
		return fmt.Errorf("%s is not below %s", d, s.root)
	}
}

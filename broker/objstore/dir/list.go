package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidelog/tide/broker/objstore"
)

// List walks the directories. An object that comes or goes meanwhile may or
// may not be seen.
func (s *Store) List(ctx context.Context, prefix string, fn func(objstore.Info) error) error {
	if s.closed.Load() {
		return fmt.Errorf("list %q: %w", prefix, objstore.ErrClosed)
	}
	return s.walk(ctx, "", prefix, fn)
}

// walk lists the directory whose keys begin with base, which is empty or ends
// in a slash.
func (s *Store) walk(ctx context.Context, base, prefix string, fn func(objstore.Info) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("list %q: %w", prefix, err)
	}
	entries, err := os.ReadDir(filepath.Join(s.root, filepath.FromSlash(base)))
	if absent(err) && base != "" {
		return nil // it went away meanwhile
	}
	if err != nil {
		return s.explain("list", err)
	}
	for _, name := range inKeyOrder(entries) {
		key := base + name
		switch {
		case key == tempDir+"/":
		case strings.HasSuffix(name, "/"):
			// Only where the prefix leads into it or it lies behind the prefix.
			if strings.HasPrefix(key, prefix) || strings.HasPrefix(prefix, key) {
				err = s.walk(ctx, key, prefix, fn)
			}
		case strings.HasPrefix(key, prefix):
			err = s.listOne(ctx, key, fn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// inKeyOrder returns the names with a slash behind each directory's, sorted as
// keys are: a-b before a/b, although a is before a-b.
func inKeyOrder(entries []fs.DirEntry) []string {
	var names []string
	for _, e := range entries {
		switch {
		case e.IsDir():
			names = append(names, e.Name()+"/")
		case e.Type().IsRegular():
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}

func (s *Store) listOne(ctx context.Context, key string, fn func(objstore.Info) error) error {
	info, err := s.Head(ctx, key)
	if errors.Is(err, objstore.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return fn(info)
}

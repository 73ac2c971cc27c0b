package matrix

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tidelog/tide/internal/units"
)

// Objects is a prefix of a bucket that results were copied to.
type Objects interface {
	// List calls fn for every key, relative to the prefix, with its size.
	List(ctx context.Context, fn func(key string, bytes int64) error) error
	// Read fills p with an object's bytes from pos on. It is called by several
	// goroutines, and owns p only for the call.
	Read(ctx context.Context, key string, pos int64, p []byte) error
}

// Bounds of what is fetched.
const (
	maxObject     = 256 << 20 // bytes: no file of a result is as large
	maxObjects    = 10_000_000
	fetchedAtOnce = 8
	fetchPiece    = 8 << 20
)

// resultFiles are the files of a matrix; all below trials/ belongs to it too.
var resultFiles = []string{"matrix.json", "env.json", "merge.json", trialLines}

const trialLines = "trials.jsonl"

// Fetch copies the results of matrices out of a bucket into dir. What cannot be
// one is passed over; a warning tells of what looks like one and cannot be had.
func Fetch(ctx context.Context, from Objects, dir string) ([]string, error) {
	f := &fetcher{from: from, dir: dir}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetchedAtOnce)
	n := 0
	err := from.List(ctx, func(key string, bytes int64) error {
		switch {
		case !isResult(key):
			return nil
		case !filepath.IsLocal(key) || strings.Contains(key, "\\"):
			f.warn("%q is no name of a file and left out", key)
			return nil
		case bytes > maxObject:
			f.warn("%s has %s and is left out: results have at most %s", key, units.Size(bytes), units.Size(maxObject))
			return nil
		}
		if n++; n > maxObjects {
			return fmt.Errorf("more than %d objects: give a longer prefix", maxObjects)
		}
		group.Go(func() error { return f.fetch(ctx, key, bytes) })
		return nil
	})
	if errGroup := group.Wait(); err == nil {
		err = errGroup
	}
	slices.Sort(f.warnings)
	return f.warnings, err
}

func isResult(key string) bool {
	return slices.Contains(resultFiles, path.Base(key)) || slices.Contains(strings.Split(path.Dir(key), "/"), "trials")
}

type fetcher struct {
	from Objects
	dir  string

	mu       sync.Mutex
	warnings []string // guarded by mu
}

func (f *fetcher) warn(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.warnings = append(f.warnings, fmt.Sprintf(format, args...))
}

// fetch copies one object. One that cannot be read is a warning; a directory
// that cannot be written is an error.
func (f *fetcher) fetch(ctx context.Context, key string, bytes int64) error {
	content := make([]byte, bytes)
	for pos := int64(0); pos < bytes; pos += fetchPiece {
		if err := f.from.Read(ctx, key, pos, content[pos:min(bytes, pos+fetchPiece)]); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			f.warn("%s cannot be read and is left out: %v", key, err)
			return nil
		}
	}
	name := filepath.Join(f.dir, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, content, 0o644)
}

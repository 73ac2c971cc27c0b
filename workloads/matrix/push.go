package matrix

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tidelog/tide/results"
)

// Uploads is a prefix of a bucket that results are copied to.
type Uploads interface {
	// Replace stores content under a key relative to the prefix, whatever was
	// there. It is called by several goroutines; content belongs to the callee
	// for the call only.
	Replace(ctx context.Context, key string, content []byte) error
}

// Pusher copies the results of a matrix to a bucket, where Fetch finds them:
//
//	DIR/trials/ID/run.json ─▶ NAME/trials/ID/run.json   once, when its line is there
//	DIR/trials.jsonl …     ─▶ NAME/trials.jsonl …       anew each time, after them
//
// A line comes after the directory that it speaks of, so that whoever merges at
// any time finds whole trials. It is for one goroutine.
type Pusher struct {
	to        Uploads
	dir, name string
	pushed    map[string]bool // trials, by the name of their directory
}

// NewPusher copies from dir to what is called name below the prefix; empty for
// the prefix itself.
func NewPusher(to Uploads, dir, name string) *Pusher {
	return &Pusher{to: to, dir: dir, name: name, pushed: map[string]bool{}}
}

// Push copies what has been added since the last one that returned nil. A trial
// under way is none yet.
func (p *Pusher) Push(ctx context.Context) error {
	run, err := results.LoadMatrix(p.dir)
	if err != nil {
		return err
	}
	for _, t := range run.Trials {
		id, ok := t.TrialID()
		if !ok || p.pushed[id] {
			continue
		}
		if err := p.trial(ctx, id); err != nil {
			return fmt.Errorf("push of trial %s: %w", id, err)
		}
		p.pushed[id] = true
	}
	for _, name := range slices.Backward(resultFiles) { // the header last
		content, err := os.ReadFile(filepath.Join(p.dir, name))
		if err == nil {
			err = p.to.Replace(ctx, path.Join(p.name, name), content)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("push of %s: %w", name, err)
		}
	}
	return nil
}

// trial copies one directory; one that is missing has nothing to copy, which a
// merge says.
func (p *Pusher) trial(ctx context.Context, id string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetchedAtOnce)
	root := filepath.Join(p.dir, "trials", id)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == root:
			return nil
		case err != nil || !d.Type().IsRegular():
			return err
		}
		group.Go(func() error { return p.file(ctx, name) })
		return nil
	})
	return errors.Join(group.Wait(), err)
}

func (p *Pusher) file(ctx context.Context, name string) error {
	info, err := os.Stat(name)
	if err == nil && info.Size() > maxObject {
		err = fmt.Errorf("%s has %d bytes, more than a file of a result: %d", name, info.Size(), maxObject)
	}
	if err != nil {
		return err
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	key, err := filepath.Rel(p.dir, name)
	if err != nil {
		return err
	}
	return p.to.Replace(ctx, path.Join(p.name, filepath.ToSlash(key)), content)
}

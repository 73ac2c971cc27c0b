package matrix

import (
	"bytes"
	"context"
	"encoding/json"
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
	// Get returns an object; nil and no error where there is none.
	Get(ctx context.Context, key string) ([]byte, error)
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

// Check refuses a place that holds lines which are not in the directory: of
// another machine, of another matrix, or of a run whose disk is gone. A push
// would take their place.
func (p *Pusher) Check(ctx context.Context) error {
	there, err := p.to.Get(ctx, path.Join(p.name, trialLines))
	if err != nil {
		return fmt.Errorf("look for results of others before a push: %w", err)
	}
	here, err := os.ReadFile(filepath.Join(p.dir, trialLines))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lost, have := 0, linesOf(here)
	for line := range linesOf(there) {
		if !have[line] {
			lost++
		}
	}
	if lost > 0 {
		return fmt.Errorf("%d trials in %s there are not in %s, and a push would lose them: give --push a prefix of its own (tide matrix merge takes several, and all below one)",
			lost, path.Join(p.name, trialLines), p.dir)
	}
	return nil
}

// linesOf are the trials of a file of lines. What cannot be read counts for
// nothing, as it does in a merge.
func linesOf(content []byte) map[string]bool {
	out := map[string]bool{}
	for line := range bytes.Lines(content) {
		var t results.CellTrial
		if json.Unmarshal(line, &t) == nil && t.Cell != "" {
			out[fmt.Sprint(t.Key(), " ", t.Started.UnixNano())] = true
		}
	}
	return out
}

// Push copies what has been added since the last one that returned nil. A trial
// under way is none yet. It fails where Check does.
func (p *Pusher) Push(ctx context.Context) error {
	run, err := results.LoadMatrix(p.dir)
	if err != nil {
		return err
	}
	if err := p.Check(ctx); err != nil {
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

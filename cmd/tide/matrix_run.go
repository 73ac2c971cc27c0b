package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/matrix"
	"github.com/tidelog/tide/workloads/target"
)

// dialTimeout is how long a target that runs already may take to answer.
const dialTimeout = 2 * time.Second

// installing keeps two targets from installing the same thing at the same time.
var installing sync.Mutex

// reach installs what a target needs and the machine lacks, and says why it
// could not be measured here.
func reach(ctx context.Context, s target.Spec) error {
	if s.Address == "" {
		installing.Lock()
		defer installing.Unlock()
		if missing, err := s.Missing(ctx); err == nil && len(missing) > 0 {
			slog.Info("installing what a target needs, which takes minutes", "target", s.Text, "what", strings.Join(missing, "; "))
		}
		return s.Prepare(ctx, io.Discard) // what goes wrong is in the error
	}
	return dial(ctx, s)
}

// lacking gathers what targets need and the machine has not. Nothing is
// installed.
type lacking struct {
	mu   sync.Mutex
	what map[string]bool // guarded by mu
}

// look is reach for a plan.
func (l *lacking) look(ctx context.Context, s target.Spec) error {
	if s.Address != "" {
		return dial(ctx, s)
	}
	missing, err := s.Missing(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range missing {
		if l.what == nil {
			l.what = map[string]bool{}
		}
		l.what[m] = true
	}
	return err
}

func (l *lacking) sorted() []string { return slices.Sorted(maps.Keys(l.what)) }

// dial says why a target that runs already cannot be had.
func dial(ctx context.Context, s target.Spec) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return fmt.Errorf("nothing answers there: %w", err)
	}
	return conn.Close()
}

// matrixRunCmd is `tide matrix run`.
type matrixRunCmd struct {
	matrixFlags
	Device string `help:"File or raw block device that the benches write to; what is on it is lost. Default a file in the directory of the results, removed at the end." placeholder:"PATH"`
	Again  bool   `help:"Run INVALID trials again. Failed ones are in any case."`
	Push   string `help:"Copy results there after each trial, for tide matrix merge: s3://BUCKET/PREFIX?endpoint=URL&region=R&path_style=true. A shard has its own directory below. Trials of an earlier run are copied as well." placeholder:"URL"`
	JSON   bool   `name:"json" help:"Print what is done as one JSON object instead of text."`
}

// Run runs what is left. Exit code 1: a trial failed; 3: one is INVALID.
func (c *matrixRunCmd) Run(ctx context.Context, std *stdio) error {
	p, err := c.prepare(ctx, reach)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	status := p.Status(p.dir)
	fmt.Fprintf(std.err, "%s: %d cells, %d trials, %d of them done; about %v to go; seed %d; in %s\n",
		p.Matrix.Name, len(p.Cells), len(p.Trials), status.Done, status.Estimate.Round(time.Second), p.Matrix.Seed, p.dir)
	cfg := matrix.Config{Binary: self, Out: p.dir, Device: c.Device, Again: c.Again}
	push, err := c.pushing(ctx, p, &cfg)
	if err != nil {
		return err
	}
	bar := newProgress(std.err)
	cfg.Progress = bar
	err = p.Run(ctx, cfg)
	bar.close()
	if err = errors.Join(err, push(err == nil)); err != nil {
		return err
	}
	fmt.Fprintf(std.err, "tide report %s makes a page of it\n", p.dir)
	return printStatus(std, p, []string{p.dir}, c.JSON)
}

// pushing has cfg copy what is added, as it is added; what could not be copied
// then is tried again with the next trial. The last time, which push is, counts.
// After a run that failed it copies nothing: the directory may be of another
// matrix, which was why.
func (c *matrixRunCmd) pushing(ctx context.Context, p prepared, cfg *matrix.Config) (push func(ran bool) error, err error) {
	if c.Push == "" {
		return func(bool) error { return nil }, nil
	}
	store, err := openS3(ctx, c.Push)
	if err != nil {
		return nil, err
	}
	name := ""
	if p.Shard.Of > 0 {
		name = p.Shard.Dir()
	}
	pusher := matrix.NewPusher(bucket{store}, p.dir, name)
	if err := pusher.Check(ctx); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	cfg.Added = func(ctx context.Context) {
		if err := pusher.Push(ctx); err != nil {
			slog.Warn("results could not be copied; it is tried again", "to", c.Push, "error", err)
		}
	}
	return func(ran bool) error {
		var err error
		if ran {
			err = pusher.Push(ctx)
		}
		return errors.Join(err, store.Close())
	}, nil
}

// matrixStatusCmd is `tide matrix status`.
type matrixStatusCmd struct {
	matrixFlags
	JSON bool `name:"json" help:"Print one JSON object instead of text."`
}

// Run looks at the directory of the matrix and at those of its shards.
func (c *matrixStatusCmd) Run(ctx context.Context, std *stdio) error {
	p, err := c.prepare(ctx, nil)
	if err != nil {
		return err
	}
	if err := printStatus(std, p, p.dirs(), c.JSON); err != nil && !errors.Is(err, errInvalid) && !errors.Is(err, errTrials) {
		return err
	}
	return nil
}

// errTrials is returned by a run of which a trial failed.
var errTrials = errors.New("trials failed: the same command runs them again")

// printStatus says what is done, what went wrong, and how noisy it was.
func printStatus(std *stdio, p prepared, dirs []string, asJSON bool) error {
	s := p.StatusOf(dirs)
	if asJSON {
		if err := json.NewEncoder(std.out).Encode(s); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(std.out, "%s: %d of %d trials done, %d of them INVALID; %d failed; about %v to go\n",
			p.Matrix.Name, s.Done, len(p.Trials), s.Invalid, s.Failed, s.Estimate.Round(time.Second))
		for _, dir := range dirs {
			switch run, err := results.LoadMatrix(dir); {
			case err != nil:
				fmt.Fprintf(std.out, "  warning: %v\n", err)
			case !run.Header.Same(p.Header()):
				fmt.Fprintf(std.out, "  warning: %s is of another matrix (%s, %d trials, quick %t, seed %d) and not counted\n",
					dir, run.Header.Name, run.Header.Trials, run.Header.Quick, run.Header.Seed)
			default:
				fmt.Fprintf(std.out, "%s: %d trials\n", dir, len(run.Trials))
				printNoise(std.out, run)
			}
		}
	}
	switch {
	case s.Failed > 0:
		return errTrials
	case s.Invalid > 0:
		return errInvalid
	}
	return nil
}

// matrixMergeCmd is `tide matrix merge`.
type matrixMergeCmd struct {
	File  string   `arg:"" help:"The matrix, as in run. What is of another one is left out with a warning."`
	From  []string `arg:"" optional:"" help:"Directories of results, or of several below each, or s3://BUCKET/PREFIX?endpoint=URL&region=R&path_style=true. Default: the shards below --out."`
	Out   string   `help:"Directory of the merged matrix. Default ./tide-runs/NAME, or NAME-quick." placeholder:"DIR"`
	Quick bool     `help:"The matrix was run with --quick."`
	JSON  bool     `name:"json" help:"Print what is done as one JSON object instead of text."`
}

// Run merges and says what is missing.
func (c *matrixMergeCmd) Run(ctx context.Context, std *stdio) error {
	p, err := matrixFlags{File: c.File, Out: c.Out, Quick: c.Quick}.prepare(ctx, nil)
	if err != nil {
		return err
	}
	from := c.From
	if len(from) == 0 {
		from = []string{p.root}
	}
	tmp, err := os.MkdirTemp("", "tide-merge-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	parts, warnings, err := findParts(ctx, from, p.root, tmp)
	if err != nil {
		return err
	}
	h := p.Header()
	run, err := results.Merge(parts, warnings, &h, p.root)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.err, "merged %d trials of %d sources into %s\n", len(run.Trials), len(run.Sources), p.root)
	err = printStatus(std, p, []string{p.root}, c.JSON)
	if errors.Is(err, errTrials) {
		return nil // it has merged, and said so
	}
	return err
}

// findParts looks for matrices in every place. A place without any is a part
// too, which the merge names as broken.
func findParts(ctx context.Context, from []string, out, tmp string) (parts []results.Part, warnings []string, err error) {
	for i, place := range from {
		dir := place
		if strings.HasPrefix(place, objstore.SchemeS3+":") {
			dir = filepath.Join(tmp, fmt.Sprint(i))
			missed, err := fetchS3(ctx, place, dir)
			if err != nil {
				return nil, nil, err
			}
			for _, m := range missed {
				warnings = append(warnings, place+": "+m)
			}
		}
		found, err := results.FindMatrices(dir)
		if err != nil || len(found) == 0 {
			parts = append(parts, results.Part{Name: place, Dir: dir})
		}
		for _, d := range found {
			if filepath.Clean(d) != filepath.Clean(out) {
				parts = append(parts, results.Part{Name: strings.Replace(d, dir, strings.Split(place, "?")[0], 1), Dir: d})
			}
		}
	}
	return parts, warnings, nil
}

// fetchS3 copies the results below a prefix to dir.
func fetchS3(ctx context.Context, url, dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	store, err := openS3(ctx, url)
	if err != nil {
		return nil, err
	}
	missed, err := matrix.Fetch(ctx, bucket{store}, dir)
	return missed, errors.Join(err, store.Close())
}

// bucket is a store as matrix.Objects and matrix.Uploads.
type bucket struct{ store objstore.Store }

// replaceTimeout is how long one may take that a signal has come into.
const replaceTimeout = time.Minute

// Replace an object. A store only makes new ones, so what is there goes first:
// who reads just then finds nothing, and reads again. A signal does not come
// between the two, as a machine that is taken away sends one.
func (b bucket) Replace(ctx context.Context, key string, content []byte) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), replaceTimeout)
	defer cancel()
	body := objstore.Body{content}
	err := b.store.Put(ctx, key, body)
	if !errors.Is(err, objstore.ErrExists) {
		return err
	}
	if err := b.store.Delete(ctx, key); err != nil {
		return err
	}
	return b.store.Put(ctx, key, body)
}

// Get an object.
func (b bucket) Get(ctx context.Context, key string) ([]byte, error) {
	info, err := b.store.Head(ctx, key)
	if errors.Is(err, objstore.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	content := make([]byte, info.Size)
	return content, b.store.GetRange(ctx, key, 0, content)
}

// List of everything below the prefix.
func (b bucket) List(ctx context.Context, fn func(key string, bytes int64) error) error {
	return b.store.List(ctx, "", func(i objstore.Info) error { return fn(i.Key, i.Size) })
}

// Read of a range.
func (b bucket) Read(ctx context.Context, key string, pos int64, p []byte) error {
	return b.store.GetRange(ctx, key, pos, p)
}

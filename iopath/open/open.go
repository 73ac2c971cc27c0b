// Package open opens the way of writing that a WAL URL names: the one place
// that knows all of them. The broker and the bench commands come here, so that
// a URL means the same to both.
//
//	Spec ─▶ scheme: uring, pwrite, fsync, mem ─▶ model= or iops=, rate= around it ─▶ Path
package open

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/fsync"
	"github.com/tidelog/tide/iopath/mem"
	"github.com/tidelog/tide/iopath/model"
	"github.com/tidelog/tide/iopath/null"
	"github.com/tidelog/tide/iopath/pwrite"
	"github.com/tidelog/tide/iopath/uring"
)

// DefaultCapacity is what a new file or memory gets when its URL names none,
// in bytes.
const DefaultCapacity = 2 << 30

// defaultSeed is a model's where the URL has none.
const defaultSeed = 1

// Options are what a URL does not say.
type Options struct {
	// ArenaSize bounds what can be buffered for writing, in bytes. Default
	// iopath.DefaultArena.
	ArenaSize int
	// Capacity of a file that is made, or of memory, where the URL has none,
	// in bytes. Default DefaultCapacity.
	Capacity int64
	// MustExist refuses a file that is not there; by default it is made, in a
	// directory that must be there, and filled with zeros.
	MustExist bool
	// Progress is told of the filling. Default: each tenth goes to Logger.
	Progress func(done, total int64)
	// Logger gets what a user should know. Default slog.Default().
	Logger *slog.Logger
}

func (o Options) withDefaults(file string) Options {
	if o.Capacity == 0 {
		o.Capacity = DefaultCapacity
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Progress == nil {
		o.Progress = logProgress(o.Logger, file)
	}
	return o
}

// Path opens spec, with its model and its limits around it. The caller closes
// it.
func Path(spec iopath.Spec, opts Options) (iopath.Path, error) {
	opts = opts.withDefaults(spec.File)
	var volume model.Volume
	if spec.Simulated() {
		var err error
		if volume, err = model.Preset(spec.Model); err != nil {
			return nil, err
		}
	}
	inner, err := scheme(spec, opts)
	if err != nil {
		return nil, err
	}
	if !spec.Simulated() && spec.IOPS == 0 && spec.Rate == 0 {
		return inner, nil
	}
	p, err := model.Wrap(inner, model.Config{
		Volume: volume.Limit(spec.IOPS, spec.Rate), Seed: max(spec.Seed, defaultSeed),
	})
	if err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	if simulated := p.Geometry().Simulated; simulated != "" {
		opts.Logger.Warn("the WAL's device is simulated: results say nothing about the real one", "model", simulated)
	}
	return p, nil
}

// scheme opens the path without what is around it.
func scheme(spec iopath.Spec, opts Options) (iopath.Path, error) {
	o := spec.OpenOptions()
	o.ArenaSize, o.Logger, o.Progress, o.Create = opts.ArenaSize, opts.Logger, opts.Progress, !opts.MustExist
	if o.Capacity == 0 && missing(spec.File) {
		o.Capacity = opts.Capacity
	}
	if dir := filepath.Dir(spec.File); spec.File != "" && missing(dir) {
		// It is not made: what is missing may be a mount, and the WAL would lie on
		// another disk than the one that was meant.
		return nil, fmt.Errorf("WAL %s: there is no directory %s: mount what belongs there, or make it", spec.File, dir)
	}
	switch spec.Scheme {
	case iopath.SchemePwrite:
		return pwrite.Open(pwrite.Config{OpenOptions: o})
	case iopath.SchemeFsync:
		return fsync.Open(fsync.Config{OpenOptions: o})
	case iopath.SchemeUring:
		return uring.Open(uring.Config{
			OpenOptions: o, Mode: spec.Mode, Ring: spec.Ring, Fixed: spec.Fixed, SQPoll: spec.SQPoll,
		})
	case iopath.SchemeMem:
		return mem.Open(mem.Config{Capacity: o.Capacity, ArenaSize: o.ArenaSize, Depth: o.Depth})
	case iopath.SchemeNull:
		return null.Open(null.Config{Capacity: o.Capacity, ArenaSize: o.ArenaSize, Depth: o.Depth})
	default:
		return nil, fmt.Errorf("WAL scheme %q: want uring, pwrite, fsync or mem", spec.Scheme)
	}
}

func missing(file string) bool {
	_, err := os.Stat(file)
	return file == "" || os.IsNotExist(err)
}

// logProgress logs every tenth of a new file.
func logProgress(log *slog.Logger, file string) func(done, total int64) {
	next := int64(0)
	return func(done, total int64) {
		if tenth := done * 10 / total; tenth >= next {
			next = tenth + 1
			log.Info("filling the new WAL with zeros", "file", file, "percent", done*100/total)
		}
	}
}

package broker

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/dir"
	memstore "github.com/tidelog/tide/broker/objstore/mem"
	"github.com/tidelog/tide/broker/objstore/null"
	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/mem"
	"github.com/tidelog/tide/iopath/pwrite"
	"github.com/tidelog/tide/iopath/uring"
)

// walArena bounds what the WAL buffers for writing, in bytes.
const walArena = 32 << 20

// defaultWALCapacity is what a new WAL file gets when its URL names none.
const defaultWALCapacity = 2 << 30

// openPath opens the way of writing that a WAL URL names. A file that does not
// exist is made, filled with zeros; progress goes to the log.
func openPath(spec iopath.Spec, log *slog.Logger) (iopath.Path, error) {
	opts := spec.OpenOptions()
	opts.ArenaSize, opts.Logger, opts.Create = walArena, log, true
	opts.Progress = fillProgress(log, spec.File)
	if opts.Capacity == 0 && missing(spec.File) {
		opts.Capacity = defaultWALCapacity
	}
	if spec.File != "" {
		if err := os.MkdirAll(filepath.Dir(spec.File), 0o755); err != nil {
			return nil, fmt.Errorf("directory of the WAL: %w", err)
		}
	}
	switch spec.Scheme {
	case iopath.SchemePwrite:
		return pwrite.Open(pwrite.Config{OpenOptions: opts})
	case iopath.SchemeUring:
		return uring.Open(uring.Config{OpenOptions: opts})
	case iopath.SchemeMem:
		return mem.Open(mem.Config{Capacity: opts.Capacity, ArenaSize: opts.ArenaSize, Depth: opts.Depth})
	}
	return nil, fmt.Errorf("WAL scheme %q is not one that a broker opens", spec.Scheme)
}

func missing(file string) bool {
	_, err := os.Stat(file)
	return file == "" || os.IsNotExist(err)
}

// fillProgress logs every tenth of a new file.
func fillProgress(log *slog.Logger, file string) func(done, total int64) {
	next := int64(0)
	return func(done, total int64) {
		if tenth := done * 10 / total; tenth >= next {
			next = tenth + 1
			log.Info("filling the new WAL with zeros", "file", file, "percent", done*100/total)
		}
	}
}

// openStore opens the store that a store URL names.
func openStore(text string, log *slog.Logger) (objstore.Store, error) {
	spec, err := objstore.ParseURL(text)
	if err != nil {
		return nil, err
	}
	if spec.Model != "" {
		return nil, fmt.Errorf("store %q: model=%s is not built in yet; leave the key out", text, spec.Model)
	}
	switch spec.Scheme {
	case objstore.SchemeDir:
		return dir.Open(dir.Config{Root: spec.Path, WriteRate: spec.WriteRate.PerSecond, Logger: log})
	case objstore.SchemeMem:
		return memstore.New(), nil
	case objstore.SchemeNull:
		return null.New(), nil
	}
	return nil, fmt.Errorf("store %q: scheme %s is not built in yet; use dir:PATH", text, spec.Scheme)
}

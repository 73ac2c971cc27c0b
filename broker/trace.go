package broker

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/cacheexp/trace"
)

// openTrace begins to record the block cache's accesses, if that is wanted.
// What goes wrong with it later ends the recording and not the broker.
func (b *Broker) openTrace() (blockcache.Recorder, error) {
	if b.cfg.Trace == "" {
		return nil, nil //nolint:nilnil // no recorder is what the cache calls nobody
	}
	f, err := newTraceFile(b.cfg.Trace)
	if err != nil {
		return nil, fmt.Errorf("--trace: %w", err)
	}
	b.log.Info("every access of the block cache is recorded", "file", f.Name())
	b.trace = trace.NewRecorder(f)
	// The cache is closed before: what was opened later is closed first.
	b.onClose(func() error {
		err := errors.Join(b.trace.Close(), f.Close())
		if t := b.trace.Totals(); err != nil || t.Lost > 0 {
			b.log.Warn("the trace is not complete", "file", f.Name(), "accesses", t.Accesses, "lost", t.Lost, "error", err)
		}
		return nil
	})
	return b.trace, nil
}

// mostTraces is how many recordings may lie beside each other.
const mostTraces = 1000

// newTraceFile makes the file, or NAME.1, NAME.2 … where there is one: a
// recording is never written over, and a broker that starts again under the same
// flags starts.
func newTraceFile(name string) (*os.File, error) {
	for n := range mostTraces {
		free := name
		if n > 0 {
			free += "." + strconv.Itoa(n)
		}
		f, err := os.OpenFile(free, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if !errors.Is(err, os.ErrExist) {
			return f, err
		}
	}
	return nil, fmt.Errorf("%s: there are %d recordings of that name already: move them away", name, mostTraces)
}

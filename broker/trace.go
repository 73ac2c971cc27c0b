package broker

import (
	"errors"
	"fmt"
	"os"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/cacheexp/trace"
)

// openTrace begins to record the block cache's accesses, if that is wanted. A
// recording is never written over. What goes wrong with it later ends the
// recording and not the broker.
func (b *Broker) openTrace() (blockcache.Recorder, error) {
	if b.cfg.Trace == "" {
		return nil, nil //nolint:nilnil // no recorder is what the cache calls nobody
	}
	f, err := os.OpenFile(b.cfg.Trace, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("--trace: %w: move it away, or name another file", err)
	}
	if err != nil {
		return nil, fmt.Errorf("--trace: %w", err)
	}
	b.trace = trace.NewRecorder(f)
	// The cache is closed before: what was opened later is closed first.
	b.onClose(func() error {
		err := errors.Join(b.trace.Close(), f.Close())
		if t := b.trace.Totals(); err != nil || t.Lost > 0 {
			b.log.Warn("the trace is not complete", "file", b.cfg.Trace, "accesses", t.Accesses, "lost", t.Lost, "error", err)
		}
		return nil
	})
	return b.trace, nil
}

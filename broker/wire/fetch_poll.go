package wire

import (
	"time"

	"github.com/tidelog/tide/broker/stream"
)

// poll reads until there is enough, an error, or no time left.
func (f *fetchRequest) poll(c *conn) {
	if f.readAll(c) || f.wait == 0 || len(f.parts) == 0 {
		return
	}
	timer := c.startTimer(min(f.wait, c.srv.cfg.Limits.FetchWait))
	defer timer.Stop()
	f.watch(c.waiter)
	defer f.unwatch(c.waiter)
	// Records that became visible between the read above and watch have
	// signalled nobody: look again before the first wait.
	for !f.advanced() || !f.readAll(c) {
		f.release()
		select {
		case <-c.waiter.C:
			continue
		case <-timer.C:
		case <-c.ctx.Done():
		}
		f.readAll(c)
		return
	}
}

// advanced tells, without reading, whether another read could find more, or
// that there is nothing left to read from: the topic was deleted. There
// are no failed partitions here: they end a poll before it waits.
func (f *fetchRequest) advanced() bool {
	for i := range f.parts {
		p := &f.parts[i]
		if p.target.HighWatermark() != p.seen || p.target.Gone() != nil {
			return true
		}
	}
	return false
}

// readAll reads every partition within the limits and tells whether the answer
// can go out: enough bytes or any error.
//
// The first round waits for nothing, so that the objects that several
// partitions need are on their way at the same time. Only what is missing then
// is waited for, one partition after the other, until there is enough.
func (f *fetchRequest) readAll(c *conn) bool {
	t := tally{left: min(f.maxBytes, c.srv.cfg.Limits.FetchBytes)}
	for i := range f.parts {
		t.read(c, &f.parts[i], true)
	}
	for i := range f.parts {
		if t.failed || t.bytes >= max(f.minBytes, 1) {
			break
		}
		if p := &f.parts[i]; p.read != nil && p.read.Loading {
			t.read(c, p, false)
		}
	}
	return t.failed || t.bytes >= f.minBytes
}

// tally is what the answer holds so far.
type tally struct {
	bytes, left int
	failed      bool
}

func (t *tally) read(c *conn, p *fetchPart, noWait bool) {
	p.read.Release()
	p.read = nil
	if p.err == nil {
		p.readOne(c, stream.Want{
			Offset: p.offset, MaxBytes: min(p.maxBytes, t.left), MinOne: t.bytes == 0, Reader: c.id, NoWait: noWait,
		})
	}
	if p.err != nil {
		t.failed = true
	} else if p.read != nil {
		t.bytes += p.read.Bytes
		t.left = max(t.left-p.read.Bytes, 0)
	}
}

func (p *fetchPart) readOne(c *conn, w stream.Want) {
	if p.err = p.target.Gone(); p.err != nil {
		p.high, p.stable, p.logStart = -1, -1, -1
		return
	}
	p.seen = p.target.HighWatermark()
	if w.MaxBytes > 0 || w.MinOne {
		p.read, p.err = p.target.FetchFor(c.ctx, w)
	}
	// Taken after the read, so that no record lies beyond them.
	p.high, p.stable, p.logStart = p.target.HighWatermark(), p.target.LastStableOffset(), p.target.LogStartOffset()
}

func (f *fetchRequest) watch(w *stream.Waiter) {
	select {
	case <-w.C: // left over from an earlier poll
	default:
	}
	for i := range f.parts {
		f.parts[i].target.Watch(w)
	}
}

func (f *fetchRequest) unwatch(w *stream.Waiter) {
	for i := range f.parts {
		f.parts[i].target.Unwatch(w)
	}
}

// release gives back what is pinned.
func (f *fetchRequest) release() {
	for i := range f.parts {
		f.parts[i].read.Release()
		f.parts[i].read = nil
	}
}

// forget drops all references, to pinned memory and to the request.
func (f *fetchRequest) forget() {
	f.release()
	clear(f.parts)
	clear(f.topics)
	f.parts, f.topics = f.parts[:0], f.topics[:0]
}

// startTimer starts the connection's one timer, for the reader. The caller
// stops it.
func (c *conn) startTimer(d time.Duration) *time.Timer {
	if c.timer == nil {
		c.timer = time.NewTimer(d)
	} else {
		c.timer.Reset(d) // safe without draining: nothing is left in C after Stop
	}
	return c.timer
}

package wire

import (
	"slices"
	"time"

	"github.com/tidelog/tide/broker/stream"
)

// poll reads until there is enough, an error, or no time left.
func (f *fetchRequest) poll(c *conn) {
	if f.readAll(c) || f.wait == 0 || f.empty() {
		return
	}
	timer := c.startTimer(min(f.wait, c.srv.cfg.Limits.FetchWait))
	defer timer.Stop()
	if f.session == nil {
		f.watch(c.waiter)
		defer f.unwatch(c.waiter)
	}
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
		f.advanced()
		f.readAll(c)
		return
	}
}

// empty tells that there is no partition, and nothing to wait for.
func (f *fetchRequest) empty() bool {
	return len(f.look) == 0 && (f.session == nil || len(f.session.parts) == 0)
}

// advanced tells, without reading, whether another read could find more. There
// are no failed partitions here: they end a poll before it waits. Of a session
// only those are looked at that were signalled; they are read from now on.
func (f *fetchRequest) advanced() bool {
	if s := f.session; s != nil {
		known := len(s.active)
		moved := s.gather()
		for _, m := range s.active[known:] {
			f.look = append(f.look, &m.fetchPart)
		}
		return moved
	}
	return slices.ContainsFunc(f.look, (*fetchPart).moved)
}

// moved tells whether there is more than at the last read, or less: records
// went that were not read yet, or all, with their topic.
func (p *fetchPart) moved() bool {
	return p.target.HighWatermark() != p.seen || p.target.LogStartOffset() > p.offset || p.target.Gone() != nil
}

// readAll reads every partition within the limits and tells whether the answer
// can go out: enough bytes or any error.
//
// The first round waits for nothing, so that the objects that several
// partitions need are on their way at the same time. Only what is missing then
// is waited for, one partition after the other, until there is enough.
func (f *fetchRequest) readAll(c *conn) bool {
	t := tally{left: min(f.maxBytes, c.srv.cfg.Limits.FetchBytes)}
	for _, p := range f.look {
		t.read(c, p, true)
	}
	for _, p := range f.look {
		if t.failed || t.bytes >= max(f.minBytes, 1) {
			break
		}
		if p.read != nil && p.read.Loading {
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
	// Most partitions of most requests are at their end: an empty read of each
	// would be what a request costs. One without room is read only to hear why
	// its offset is wrong.
	outside := w.Offset > p.seen || w.Offset < p.target.LogStartOffset()
	if w.Offset != p.seen && (w.MaxBytes > 0 || w.MinOne || outside) {
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
	for _, p := range f.look {
		p.target.Watch(w)
	}
}

func (f *fetchRequest) unwatch(w *stream.Waiter) {
	for _, p := range f.look {
		p.target.Unwatch(w)
	}
}

// release gives back what is pinned.
func (f *fetchRequest) release() {
	for _, p := range f.look {
		p.read.Release()
		p.read = nil
	}
}

// keptLook bounds what a connection keeps of an unusual request's looks.
const keptLook = 16 << 10

// forget drops all references, to pinned memory and to the request.
func (f *fetchRequest) forget() {
	f.release()
	clear(f.parts)
	clear(f.topics)
	clear(f.forgotten)
	clear(f.look)
	f.topics, f.parts, f.forgotten, f.left, f.look = f.topics[:0], f.parts[:0], f.forgotten[:0], f.left[:0], f.look[:0]
	f.session = nil
	if cap(f.look) > keptLook || cap(f.left) > keptLook {
		f.look, f.left, f.forgotten = nil, nil, nil
	}
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

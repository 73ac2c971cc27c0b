package compact

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/internal/arena"
)

// Deadlines of single calls, so that a store that swallows them is noticed. A
// put may be paced, hence its own.
const (
	getTimeout = time.Minute
	putGrace   = 2 * time.Minute
)

// work is one job on its way.
type work struct {
	*Compactor
	slots   *slots
	sources map[int64]*source
}

// run does a job. Each output is committed as soon as it is put: what was done
// before an error stays, and no id grows old behind others. The rest is planned
// anew.
func (c *Compactor) run(ctx context.Context, j job) (err error) {
	w := &work{Compactor: c, sources: make(map[int64]*source)}
	if w.slots, err = newSlots(windows, c.cfg.Window); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.slots.close()) }()
	for _, r := range j.runs {
		for _, x := range r.ranges {
			s := w.sources[x.ObjectID]
			if s == nil {
				s = &source{}
				w.sources[x.ObjectID] = s
			}
			s.left++
		}
	}
	p := placer{
		cfg:   c.cfg,
		load:  func(id int64) (*source, error) { return w.source(ctx, id) },
		judge: w.judge,
		done:  func(o *output) error { return w.write(ctx, o) },
	}
	for _, r := range j.runs {
		if err := p.place(r, j.stream); err != nil {
			return err
		}
	}
	return p.flush()
}

// source gives a source with its index.
func (w *work) source(ctx context.Context, id int64) (*source, error) {
	s := w.sources[id]
	if s.index != nil {
		return s, nil
	}
	o, ok := w.cfg.Meta.Object(id)
	if !ok || o.State != meta.Committed {
		return nil, fmt.Errorf("object %d: %w", id, meta.ErrSourceGone)
	}
	x, err := w.loadIndex(ctx, o)
	if err != nil {
		return nil, w.judge(id, err)
	}
	s.object, s.index = o, x
	return s, nil
}

// judge notes an object that is not what it should be, so that no round comes
// back to it: readers get the error, and an operator has to look.
func (w *work) judge(id int64, err error) error {
	if w.damaged(id, err) {
		w.bad[id] = true
		w.stats.corrupt.Add(1)
		w.cfg.Logger.Error("an object is damaged; compaction leaves it alone", "object", id, "error", err)
	}
	return err
}

// damaged: its bytes are wrong, or fewer than the metadata says, or not there.
// An object may go while it is read, but then the metadata knows.
func (w *work) damaged(id int64, err error) bool {
	if errors.Is(err, objstore.ErrNotFound) {
		o, ok := w.cfg.Meta.Object(id)
		return ok && o.State == meta.Committed
	}
	return errors.Is(err, object.ErrCorrupt) || errors.Is(err, objstore.ErrRange)
}

// write makes the object out of its pieces, puts it and commits it.
func (w *work) write(ctx context.Context, o *output) error {
	mem, err := arena.Map(int(o.size))
	if err != nil {
		return err
	}
	var x written
	if err = w.assemble(ctx, o, mem); err == nil {
		x, err = w.put(ctx, o, mem)
	}
	if err = errors.Join(err, arena.Unmap(mem)); err != nil {
		return err
	}
	return w.commit(ctx, x)
}

func (w *work) assemble(ctx context.Context, o *output, mem []byte) error {
	at := int64(0)
	for _, p := range o.pieces {
		if err := w.read(ctx, p.source, p.from, mem[at:at+p.n]); err != nil {
			return w.judge(p.source.object.ID, err)
		}
		at += p.n
	}
	if err := w.check(o, mem); err != nil {
		return err
	}
	w.release(o)
	return nil
}

// check holds what was read against the sources' indexes, and every batch
// against its checksum, before anybody depends on the copy.
func (w *work) check(o *output, mem []byte) error {
	for _, p := range o.parts {
		e := p.entry
		err := object.ForEachBatch(p.id, e, mem[e.Position:e.Position+int64(e.Size)], func(_ []byte, b object.RecordBatch) error {
			if w.cfg.Verify == nil {
				return nil
			}
			if err := w.cfg.Verify(b); err != nil {
				return fmt.Errorf("%w: object %d, stream %d at offset %d: %w", object.ErrCorrupt, p.id, b.StreamID, b.BaseOffset, err)
			}
			return nil
		})
		if err != nil {
			return w.judge(p.id, err)
		}
	}
	return nil
}

// release lets go of sources that the job needs no more.
func (w *work) release(o *output) {
	for id := range o.sources {
		s := w.sources[id]
		if s.left -= o.uses[id]; s.left > 0 {
			continue
		}
		w.slots.put(s.window)
		*s = source{}
	}
}

package fault

import "github.com/tidelog/tide/iopath"

// Submit is part of iopath.Path.
func (p *Path) Submit(ws []*iopath.Write) error {
	if err := p.Admit(ws); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var passed []*op
	for _, w := range ws {
		o := &op{write: w, id: p.cfg.Recorder.submit(w)}
		if p.cfg.Reorder {
			o.after = p.cfg.Rand.IntN(p.Geometry().Depth + 1)
		}
		if p.apply(o) {
			passed = append(passed, o)
		}
	}
	p.start(passed)
	return nil
}

// apply gives o its fault, if a rule has one for it, and says whether it goes
// on to the device.
func (p *Path) apply(o *op) bool {
	w := o.write
	o.inner = iopath.Write{Pos: w.Pos, Buf: w.Buf, Done: func(*iopath.Write) { p.innerDone(o) }}
	r := p.match(w)
	if r == nil {
		return true
	}
	if p.cfg.OnFault != nil {
		p.cfg.OnFault(r.Kind, w)
	}
	o.err = r.Err
	switch r.Kind {
	case Delay:
		o.after = r.After
		return true
	case Hang:
		p.hung = append(p.hung, o)
		return false
	case Torn:
		o.rest = p.tear(r, len(w.Buf))
		if o.nextPiece() {
			return true
		}
	}
	p.finish(o)
	p.inner.Wake() // a reaper may wait for the device, which gets nothing
	return false
}

// match returns the rule for a write; every rule that could apply counts it.
func (p *Path) match(w *iopath.Write) *Rule {
	var found *Rule
	for _, r := range p.rules {
		if r.Match != nil && !r.Match(w.Pos, len(w.Buf)) {
			continue
		}
		r.seen++
		if found == nil && (r.Nth == 0 || r.Nth == r.seen) {
			found = &r.Rule
		}
	}
	return found
}

// tear chooses the runs of blocks that reach the device.
func (p *Path) tear(r *Rule, length int) (pieces [][2]int) {
	keep := r.Keep
	if keep == nil {
		keep = func(int) bool { return p.cfg.Rand.IntN(2) == 0 }
	}
	for from := 0; from < length; from += iopath.BlockSize {
		if keep(from / iopath.BlockSize) {
			pieces = append(pieces, [2]int{from, from + iopath.BlockSize})
		}
	}
	return pieces
}

// nextPiece points inner at the next piece of a torn write. They go one after
// the other, so that the inner depth is not exceeded.
func (o *op) nextPiece() bool {
	if len(o.rest) == 0 {
		return false
	}
	from, to := o.rest[0][0], o.rest[0][1]
	o.rest = o.rest[1:]
	o.inner.Pos, o.inner.Buf = o.write.Pos+int64(from), o.write.Buf[from:to]
	return true
}

// start submits to the inner path. The caller holds mu. An error of the inner
// path is the result of the writes, since ours were admitted already.
func (p *Path) start(ops []*op) {
	ws := make([]*iopath.Write, len(ops))
	for i, o := range ops {
		ws[i] = &o.inner
	}
	err := p.inner.Submit(ws)
	if err == nil {
		p.inFlight += len(ops)
		return
	}
	for _, o := range ops {
		o.err = err
		p.finish(o)
	}
	p.inner.Wake()
}

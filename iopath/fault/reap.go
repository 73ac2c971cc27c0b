package fault

import "slices"

// innerDone runs inside of the inner Reap, which our Reap calls without mu.
func (p *Path) innerDone(o *op) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight--
	if o.inner.Err != nil {
		o.err = o.inner.Err
	} else if o.nextPiece() {
		p.start([]*op{o})
		return
	}
	p.finish(o)
}

func (p *Path) finish(o *op) {
	o.due = p.told + o.after
	p.ready = append(p.ready, o)
}

// Reap is part of iopath.Path.
func (p *Path) Reap(min int) (int, error) {
	if err := p.StartReap(); err != nil {
		return 0, err
	}
	defer p.EndReap()
	n, wait := 0, 0
	for {
		if _, err := p.inner.Reap(wait); err != nil {
			return n, err
		}
		n += p.tellReady(min - n)
		if n >= min || p.woken.Swap(false) {
			return n, nil
		}
		if err := p.Hopeless(); err != nil {
			return n, err
		}
		wait = p.waitFor()
	}
}

// waitFor is how many completions of the device to wait for: none while there
// is something to tell.
func (p *Path) waitFor() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ready) > 0 && p.inFlight == 0 {
		return 0
	}
	return 1
}

func (p *Path) tellReady(min int) int {
	n := 0
	for {
		o := p.pick(n < max(min, 1))
		if o == nil {
			return n
		}
		p.Settle(o.write, o.err)
		p.cfg.Recorder.complete(o.id, o.write.Err)
		o.write.Done(o.write)
		n++
	}
}

// pick takes the next op to tell. One that is not due waits for others, unless
// there is nothing else to wait for and the reaper must get something.
func (p *Path) pick(must bool) *op {
	p.mu.Lock()
	defer p.mu.Unlock()
	best := -1
	for i, o := range p.ready {
		if (o.due <= p.told || must && p.inFlight == 0) && (best < 0 || o.due < p.ready[best].due) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	o := p.ready[best]
	p.ready = slices.Delete(p.ready, best, best+1)
	p.told++
	return o
}

// Wake is part of iopath.Path.
func (p *Path) Wake() {
	p.woken.Store(true)
	p.inner.Wake()
}

// ReadAt is part of iopath.Path.
func (p *Path) ReadAt(b []byte, pos int64) (int, error) {
	if err := p.CheckRead(b, pos); err != nil {
		return 0, err
	}
	if p.cfg.ReadError != nil {
		if err := p.cfg.ReadError(pos, len(b)); err != nil {
			return 0, err
		}
	}
	return p.inner.ReadAt(b, pos)
}

// Close is part of iopath.Path. What hangs is released, for Close waits until
// it is on the device. The rest of a torn write that nobody reaped is lost.
func (p *Path) Close() error {
	if err := p.Shut(); err != nil {
		return err
	}
	p.Release()
	p.Wake()
	p.AwaitReaper()
	return p.inner.Close()
}

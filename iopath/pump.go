package iopath

import "sync"

// Pump is the part of a Path whose device is a call that blocks until the
// write is done: Submit, Reap, Wake and the waiting part of Close.
//
//	inline (no workers)   Submit ─▶ queue ─▶ Reap: call the device, Done
//	pool (N workers)      Submit ─▶ queue ─▶ worker: call the device ─▶ results ─▶ Reap: Done
//	fed (an engine)       Submit ─▶ feed                   Deliver ───▶ results ─▶ Reap: Done
//
// Inline is for depth 1. The reaper's goroutine makes the call itself, and
// since at low load the submitter reaps too, no goroutine is woken on the way
// of a write: each hand-off would cost about as much as the write to a fast
// disk.
type Pump struct {
	*Ledger
	device  func(*Write) error
	feed    func([]*Write) // the engine's, or nil
	inline  chan *Write    // the queue when there are no workers, else nil
	pooled  chan *Write    // the queue of the workers, nil without
	results chan result    // what the workers did; never full, see NewPump
	wake    chan struct{}
	quit    chan struct{} // closed by Drain
	workers sync.WaitGroup
}

// result is a write that a worker has done.
type result struct {
	write *Write
	err   error
}

// NewPump starts a pump. device carries out one write and returns when it is
// as durable as the geometry says; with workers it is called from as many
// goroutines, without (0) from the reaper's. Every channel holds a full depth,
// and the ledger admits no more, so nothing but the device ever blocks.
func NewPump(l *Ledger, workers int, device func(*Write) error) *Pump {
	p := &Pump{Ledger: l, device: device, wake: make(chan struct{}, 1), quit: make(chan struct{})}
	depth := l.geometry.Depth
	if workers == 0 {
		p.inline = make(chan *Write, depth)
		return p
	}
	p.pooled, p.results = make(chan *Write, depth), make(chan result, depth)
	for range workers {
		p.workers.Go(p.work)
	}
	return p
}

// NewFedPump starts a pump whose device is an engine of its own: feed takes the
// writes, keeps no slice, and never blocks; the engine calls Deliver for each.
func NewFedPump(l *Ledger, feed func([]*Write)) *Pump {
	return &Pump{
		Ledger: l, feed: feed, results: make(chan result, l.geometry.Depth),
		wake: make(chan struct{}, 1), quit: make(chan struct{}),
	}
}

// Deliver hands the reaper a write that the engine has done. It never blocks.
func (p *Pump) Deliver(w *Write, err error) { p.results <- result{w, err} }

func (p *Pump) work() {
	for w := range p.pooled {
		p.results <- result{w, p.device(w)}
	}
}

// Submit is part of Path.
func (p *Pump) Submit(ws []*Write) error {
	if err := p.Admit(ws); err != nil {
		return err
	}
	if p.feed != nil {
		p.feed(ws)
		return nil
	}
	queue := p.inline
	if queue == nil {
		queue = p.pooled
	}
	for _, w := range ws {
		queue <- w
	}
	return nil
}

// Reap is part of Path. Inline, it carries out what was submitted: Reap(0)
// then takes as long as the device does.
func (p *Pump) Reap(min int) (int, error) {
	if err := p.StartReap(); err != nil {
		return 0, err
	}
	defer p.EndReap()
	n := 0
	for {
		if n < min {
			if err := p.Hopeless(); err != nil {
				return n, err
			}
		}
		r, ok := p.next(n < min)
		if !ok {
			return n, nil
		}
		p.Settle(r.write, r.err)
		r.write.Done(r.write)
		n++
	}
}

// next returns a write that the device has carried out; false after a Wake or
// Close, or, unless it may wait, when there is none. A receive from a channel
// that is nil never happens, which is how inline and pool share the code.
func (p *Pump) next(wait bool) (result, bool) {
	select {
	case w := <-p.inline:
		return result{w, p.device(w)}, true
	case r := <-p.results:
		return r, true
	default:
	}
	if !wait {
		return result{}, false
	}
	select {
	case w := <-p.inline:
		return result{w, p.device(w)}, true
	case r := <-p.results:
		return r, true
	case <-p.wake:
	case <-p.quit:
	}
	return result{}, false
}

// Wake is part of Path.
func (p *Pump) Wake() {
	select {
	case p.wake <- struct{}{}:
	default: // one is pending, and one is enough
	}
}

// Drain makes the reaper leave, carries out what was submitted without running
// Done, and ends the workers. The second call gets ErrClosed. The path's Close
// calls it and then releases its memory and its file.
func (p *Pump) Drain() error {
	if err := p.Shut(); err != nil {
		return err
	}
	close(p.quit)
	p.AwaitReaper()
	// What was admitted arrives, even if its Submit has not sent it yet.
	for range p.InFlight() {
		select {
		case w := <-p.inline:
			p.Settle(w, p.device(w))
		case r := <-p.results:
			p.Settle(r.write, r.err)
		}
	}
	if p.pooled != nil {
		close(p.pooled)
	}
	p.workers.Wait()
	return nil
}

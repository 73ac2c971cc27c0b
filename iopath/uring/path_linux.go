package uring

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/tidelog/tide/internal/arena"
	"github.com/tidelog/tide/iopath"
)

// queue is a ring as the paths use it: our own, or giouring's.
type queue interface {
	// push appends one submission and does not tell the kernel.
	push(e sqe)
	// submit hands what was pushed to the kernel.
	submit()
	// submitAndWait does the same and waits for a completion, in one call; it
	// may return without one.
	submitAndWait()
	// wait returns when min completions are there, or after a signal. With 0
	// it only lets the kernel post what it has kept back.
	wait(min uint32)
	// pop takes one completion, if there is one.
	pop() (cqe, bool)
	// descriptor is the ring's, for io_uring_register.
	descriptor() int
	// close releases the ring.
	close() error
}

// path is the open file in the mode leader.
type path struct {
	*iopath.Ledger
	device *iopath.Device
	ring   queue
	// woken: a NOP is under way, and one is enough.
	woken atomic.Bool

	mu    sync.Mutex // the submitting side of the ring
	steps            // free is guarded by mu
	gone  bool       // the ring is closed; guarded by mu
}

// Submit is part of iopath.Path: one system call for all of ws. The kernel
// cancels what a thread has in flight when the thread exits; Go ends one only
// if a goroutine that is locked to it returns, which a caller must not be.
func (p *path) Submit(ws []*iopath.Write) error {
	if err := p.Admit(ws); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range ws {
		i, e := p.begin(w)
		p.ring.push(e)
		p.publish(i, w) // last: from here on the slot is the reaper's
	}
	p.ring.submit()
	return nil
}

// Reap is part of iopath.Path. It enters the kernel only when it has to wait,
// or when it was asked for what is there and sees nothing.
func (p *path) Reap(min int) (int, error) {
	if err := p.StartReap(); err != nil {
		return 0, err
	}
	defer p.EndReap()
	n, woken := p.collect(true)
	if n == 0 && min <= 0 && !woken {
		p.ring.wait(0)
		n, _ = p.collect(true)
	}
	for n < min && !woken {
		if err := p.Hopeless(); err != nil {
			return n, err
		}
		// Never for more than one: a Wake is one completion too.
		p.ring.wait(1)
		var more int
		more, woken = p.collect(true)
		n += more
	}
	return n, nil
}

// collect takes the completions that are there, and says how many writes ended
// and whether a Wake was among them.
func (p *path) collect(runDone bool) (n int, woken bool) {
	for {
		c, ok := p.ring.pop()
		if !ok {
			return n, woken
		}
		if c.userData == 0 {
			p.woken.Store(false)
			woken = true
			continue
		}
		i := c.userData - 1
		w := p.slots[i].write.Load()
		ended, err := p.advance(i, w, c.result)
		if !ended {
			p.again(i, w)
			continue
		}
		p.release(i)
		p.Settle(w, err)
		if runDone {
			w.Done(w)
		}
		n++
	}
}

func (p *path) again(i uint64, w *iopath.Write) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ring.push(p.entry(i, w))
	p.ring.submit()
}

func (p *path) release(i uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end(i)
}

// Wake is part of iopath.Path. It sends a NOP, whose completion ends a wait in
// io_uring_enter as any other does: unlike an eventfd it needs neither a
// second descriptor nor a poll that is armed again after each wake.
func (p *path) Wake() {
	if !p.woken.CompareAndSwap(false, true) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return
	}
	p.ring.push(sqe{opcode: opNop})
	p.ring.submit()
}

// ReadAt is part of iopath.Path. It uses pread, not the ring: recovery reads
// before there is a reaper, and a read must not wait behind writes.
func (p *path) ReadAt(b []byte, pos int64) (int, error) {
	if err := p.CheckRead(b, pos); err != nil {
		return 0, err
	}
	return p.device.ReadAt(b, pos)
}

// Close is part of iopath.Path.
func (p *path) Close() error {
	if err := p.Shut(); err != nil {
		return err
	}
	p.Wake()
	p.AwaitReaper()
	for p.InFlight() > 0 {
		p.ring.wait(1)
		p.collect(false)
	}
	p.mu.Lock()
	p.gone = true
	var err error
	if p.fixed {
		err = unregister(p.ring.descriptor())
	}
	err = errors.Join(err, p.ring.close())
	p.mu.Unlock()
	return errors.Join(err, p.device.Close(), arena.Unmap(p.Ledger.Arena()))
}

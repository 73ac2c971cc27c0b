package uring

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/internal/arena"
	"github.com/tidelog/tide/iopath"
)

// owner is the open file in the mode owner. All that touches the ring runs on
// one thread:
//
//	Submit ─▶ queue (mutex) ─▶ ┐ the owner's thread                    ┌ results ─▶ Reap: Done
//	          eventfd, if it   │ push, submit and wait in one call, pop │
//	          sleeps ────────▶ └───────────────────────────────────────┘
//
// The kernel holds completions back until that thread enters it (DEFER_TASKRUN)
// and refuses every other thread (SINGLE_ISSUER). A read of the eventfd is
// always in flight, so that a submission ends a wait.
type owner struct {
	*iopath.Pump
	device *iopath.Device

	ring     queue // the owner's thread's alone, and so are those after it
	steps          // of what the ring has
	taken    []*iopath.Write
	count    [8]byte // where the kernel puts the eventfd's count; nobody reads it
	last     error   // of the thread's last acts
	finished bool    // the path closes, and no read of the eventfd is in flight

	event int         // an eventfd
	idle  atomic.Bool // the owner waits, or is about to: raise the eventfd
	ended chan struct{}

	mu    sync.Mutex
	queue []*iopath.Write // submitted, not taken; at most depth; guarded by mu
	stop  bool            // guarded by mu
}

// openOwner starts the thread, which makes the ring, and returns when it has:
// before the file is made, as for the leader.
func openOwner(c Config) (iopath.Path, error) {
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	o := &owner{
		event: event, ended: make(chan struct{}),
		queue: make([]*iopath.Write, 0, c.Depth), taken: make([]*iopath.Write, 0, c.Depth),
	}
	opened := make(chan error)
	go o.run(c, opened)
	if err := <-opened; err != nil {
		<-o.ended
		return nil, errors.Join(err, unix.Close(event))
	}
	return o, nil
}

// run is the owner's thread, from the ring's beginning to its end.
func (o *owner) run(c Config, opened chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(o.ended)
	err := o.open(c)
	opened <- err
	if err != nil {
		return
	}
	o.listen()
	for !o.finished {
		o.take()
		// A wait that was not needed costs nothing, one too many would hang:
		// idle is raised before the queue is looked at, and a submitter puts
		// into the queue before it looks at idle. One of the two sees the other.
		o.ring.submitAndWait()
		o.idle.Store(false)
		o.collect()
	}
	if o.fixed {
		o.last = unregister(o.ring.descriptor())
	}
}

func (o *owner) open(c Config) error {
	parts, err := openParts(c)
	if err != nil {
		return err
	}
	o.ring, o.device = parts.ring, parts.device
	o.steps = newSteps(c, parts.device, parts.memory)
	ledger := iopath.NewLedger(parts.device.Name(), parts.device.Geometry(c.OpenOptions), parts.memory)
	o.Pump = iopath.NewFedPump(ledger, o.submitted)
	return nil
}

// listen arms the read that a submission ends.
func (o *owner) listen() {
	o.ring.push(sqe{
		opcode: opRead, fd: int32(o.event),
		addr: uint64(uintptr(unsafe.Pointer(&o.count[0]))), length: uint32(len(o.count)),
	})
}

// roused listens again, unless the path closes: then nothing is in flight any
// more, this read included, and so the kernel has no address of ours left.
func (o *owner) roused() {
	o.mu.Lock()
	o.finished = o.stop
	o.mu.Unlock()
	if !o.finished {
		o.listen()
	}
}

// take pushes what was submitted.
func (o *owner) take() {
	o.idle.Store(true)
	o.mu.Lock()
	o.taken = append(o.taken[:0], o.queue...)
	o.queue = o.queue[:0]
	o.mu.Unlock()
	for _, w := range o.taken {
		i, e := o.begin(w)
		o.ring.push(e)
		o.publish(i, w)
	}
}

// collect takes the completions that are there.
func (o *owner) collect() {
	for {
		c, ok := o.ring.pop()
		if !ok {
			return
		}
		if c.userData == 0 {
			o.roused()
			continue
		}
		i := c.userData - 1
		w := o.slots[i].write.Load()
		ended, err := o.advance(i, w, c.result)
		if !ended {
			o.ring.push(o.entry(i, w))
			continue
		}
		o.end(i)
		o.Deliver(w, err)
	}
}

// submitted is the pump's feed.
func (o *owner) submitted(ws []*iopath.Write) {
	o.mu.Lock()
	o.queue = append(o.queue, ws...)
	o.mu.Unlock()
	o.rouse()
}

var one = [8]byte{1}

func (o *owner) rouse() {
	if o.idle.CompareAndSwap(true, false) {
		o.raise()
	}
}

func (o *owner) raise() {
	if _, err := unix.Write(o.event, one[:]); err != nil {
		panic("io_uring: raising our own eventfd: " + err.Error())
	}
}

// ReadAt is part of iopath.Path; see path.ReadAt.
func (o *owner) ReadAt(b []byte, pos int64) (int, error) {
	if err := o.CheckRead(b, pos); err != nil {
		return 0, err
	}
	return o.device.ReadAt(b, pos)
}

// Close is part of iopath.Path. The thread closes the ring's queues with it.
func (o *owner) Close() error {
	if err := o.Drain(); err != nil {
		return err
	}
	o.mu.Lock()
	o.stop = true
	o.mu.Unlock()
	o.raise() // whatever idle says: the thread ends with this, or with one before it
	<-o.ended
	return errors.Join(o.last, o.ring.close(), unix.Close(o.event), o.device.Close(), arena.Unmap(o.Pump.Arena()))
}

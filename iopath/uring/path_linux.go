package uring

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/internal/arena"
	"github.com/tidelog/tide/iopath"
)

// path is the open file.
type path struct {
	*iopath.Ledger
	device *iopath.Device
	ring   *ring
	slots  []slot
	// woken: a NOP is under way, and one is enough.
	woken atomic.Bool

	mu   sync.Mutex // the submitting side of the ring
	free []uint64   // indexes of slots that hold no write; guarded by mu
	gone bool       // the ring is closed; guarded by mu
}

// slot holds a write while it is in flight; its index + 1 is the user data of
// the entries that belong to it, and 0 is the NOP of Wake.
//
// The pointer is atomic not for the kernel, but because the way from Submit to
// Reap leads through memory that the race detector (and Go's memory model)
// knows nothing of. Store and Load make the order visible: what the submitter
// wrote before, and the plain fields here, are the reaper's after.
type slot struct {
	write   atomic.Pointer[iopath.Write]
	done    int  // bytes that the kernel has taken
	syncing bool // the write is done, its fdatasync is in flight
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
		// The ledger admits no more than depth, and a slot is free before its
		// write is settled: there is one.
		i := p.free[len(p.free)-1]
		p.free = p.free[:len(p.free)-1]
		s := &p.slots[i]
		s.done, s.syncing = 0, false
		p.ring.push(p.entry(i, w))
		s.write.Store(w) // last: from here on the slot is the reaper's
	}
	p.ring.submit()
	return nil
}

// entry is the next step of a slot: the write, the rest of it, or its flush.
func (p *path) entry(i uint64, w *iopath.Write) sqe {
	s := &p.slots[i]
	e := sqe{fd: int32(p.device.Fd()), userData: i + 1}
	if s.syncing {
		e.opcode, e.opFlags = opFsync, fsyncDatasync
		return e
	}
	rest := w.Buf[s.done:]
	e.opcode, e.offset = opWrite, uint64(w.Pos)+uint64(s.done)
	// The kernel counts in 32 bits, and takes 2 GiB less a block at most.
	e.addr, e.length = uint64(uintptr(unsafe.Pointer(&rest[0]))), uint32(min(len(rest), 1<<30))
	if p.Geometry().Durability == iopath.Dsync {
		e.opFlags = unix.RWF_DSYNC
	}
	return e
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

// advance takes the result of a slot's step. It says whether the write has
// ended, well or with err; if not, the slot's next step is due.
func (p *path) advance(i uint64, w *iopath.Write, result int32) (ended bool, err error) {
	s := &p.slots[i]
	errno := unix.Errno(max(0, -result))
	switch {
	case errno == unix.EINTR:
		return false, nil
	case errno == unix.EOPNOTSUPP && p.Geometry().Durability == iopath.Dsync:
		return true, fmt.Errorf("RWF_DSYNC %w here: use durability=fdatasync: %w", iopath.ErrUnsupported, errno)
	case errno != 0:
		return true, os.NewSyscallError("io_uring write", errno)
	case s.syncing:
		return true, nil
	case result == 0:
		return true, os.NewSyscallError("io_uring write", io.ErrShortWrite)
	}
	s.done += int(result)
	if s.done < len(w.Buf) {
		return false, nil
	}
	// The flush is a step of its own rather than a linked entry: a chain that
	// the kernel takes only half of would flush without waiting for the write.
	s.syncing = p.Geometry().Durability == iopath.Fdatasync
	return !s.syncing, nil
}

func (p *path) again(i uint64, w *iopath.Write) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ring.push(p.entry(i, w))
	p.ring.submit()
}

func (p *path) release(i uint64) {
	p.slots[i].write.Store(nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, i)
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
	err := p.ring.close()
	p.mu.Unlock()
	return errors.Join(err, p.device.Close(), arena.Unmap(p.Arena()))
}

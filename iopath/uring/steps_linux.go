package uring

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/iopath"
)

// slot holds a write while it is in flight; its index + 1 is the user data of
// the entries that belong to it, and 0 is what wakes.
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

// steps turns each write into one entry or several, one after the other: the
// write, the rest of a short one, the flush. Both modes take them from here.
type steps struct {
	file       *iopath.Device
	durability iopath.Durability
	arena      []byte
	fixed      bool // the arena and the file are registered
	slots      []slot
	free       []uint64 // indexes of slots that hold no write; guarded by the caller
}

func newSteps(c Config, d *iopath.Device, arena []byte) steps {
	s := steps{
		file: d, durability: c.Durability, arena: arena, fixed: c.Fixed,
		slots: make([]slot, c.Depth), free: make([]uint64, c.Depth),
	}
	for i := range s.free {
		s.free[i] = uint64(i)
	}
	return s
}

// begin gives a write a slot and returns its first entry. The ledger admits no
// more than depth, and a slot is free before its write is settled: there is
// one. The caller pushes the entry and then publishes the write.
func (s *steps) begin(w *iopath.Write) (i uint64, e sqe) {
	i = s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	s.slots[i].done, s.slots[i].syncing = 0, false
	return i, s.entry(i, w)
}

// publish makes the slot the reaper's.
func (s *steps) publish(i uint64, w *iopath.Write) { s.slots[i].write.Store(w) }

// end takes the slot back. The caller holds what guards free.
func (s *steps) end(i uint64) {
	s.slots[i].write.Store(nil)
	s.free = append(s.free, i)
}

// entry is the next step of a slot.
func (s *steps) entry(i uint64, w *iopath.Write) sqe {
	at := &s.slots[i]
	e := sqe{fd: int32(s.file.Fd()), userData: i + 1}
	if s.fixed {
		e.fd, e.flags = 0, sqeFixedFile // the one file that is registered
	}
	if at.syncing {
		e.opcode, e.opFlags = opFsync, fsyncDatasync
		return e
	}
	rest := w.Buf[at.done:]
	e.opcode, e.offset = opWrite, uint64(w.Pos)+uint64(at.done)
	// The kernel counts in 32 bits, and takes 2 GiB less a block at most.
	e.addr, e.length = uint64(uintptr(unsafe.Pointer(&rest[0]))), uint32(min(len(rest), 1<<30))
	if s.fixed {
		s.useRegistered(&e)
	}
	if s.durability == iopath.Dsync {
		e.opFlags = unix.RWF_DSYNC
	}
	return e
}

// useRegistered names the registered buffer. A write across the border of two
// of them stays a plain one.
func (s *steps) useRegistered(e *sqe) {
	from := e.addr - uint64(uintptr(unsafe.Pointer(&s.arena[0])))
	first, last := from/registerChunk, (from+uint64(e.length)-1)/registerChunk
	if first == last {
		e.opcode, e.bufIndex = opWriteFixed, uint16(first)
	}
}

// advance takes the result of a slot's step. It says whether the write has
// ended, well or with err; if not, the slot's next step is due.
func (s *steps) advance(i uint64, w *iopath.Write, result int32) (ended bool, err error) {
	at := &s.slots[i]
	errno := unix.Errno(max(0, -result))
	switch {
	case errno == unix.EINTR:
		return false, nil
	case errno == unix.EOPNOTSUPP && s.durability == iopath.Dsync:
		return true, fmt.Errorf("RWF_DSYNC %w here: use durability=fdatasync: %w", iopath.ErrUnsupported, errno)
	case errno != 0:
		return true, os.NewSyscallError("io_uring write", errno)
	case at.syncing:
		return true, nil
	case result == 0:
		return true, os.NewSyscallError("io_uring write", io.ErrShortWrite)
	}
	at.done += int(result)
	if at.done < len(w.Buf) {
		return false, nil
	}
	// The flush is a step of its own rather than a linked entry: a chain that
	// the kernel takes only half of would flush without waiting for the write.
	at.syncing = s.durability == iopath.Fdatasync
	return !at.syncing, nil
}

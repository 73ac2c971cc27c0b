package uring

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/iopath"
)

// ring is a submission queue and a completion queue, shared with the kernel:
//
//	ringMem  ┌─ sq head, tail, mask ─┬─ cq head, tail, mask ─┬─ cqes ──┬─ array ─┐
//	         │ head: kernel writes   │ head: we write        │ 16 B    │ i ─▶ i  │
//	         │ tail: we write        │ tail: kernel writes   │ each    │         │
//	         └───────────────────────┴───────────────────────┴─────────┴─────────┘
//	sqeMem   ┌─ sqe 0 (64 B) ─┬─ sqe 1 ─┬─ …
//
// head = tail is empty; both run on and are masked only to index. A tail is
// stored after the entries below it are written, and loaded before they are
// read; Go's atomics give that order. The array in between is an indirection
// that we do not need, so entry i points to SQE i for good.
type ring struct {
	fd              int
	ringMem, sqeMem []byte

	sqHead, sqTail *uint32
	sqMask         uint32
	sqes           []sqe

	cqHead, cqTail *uint32
	cqMask         uint32
	cqes           []cqe

	sqFlags *uint32 // with SQPOLL: the kernel's thread sleeps; else nil
}

// Constants of linux/io_uring.h.
const (
	setupSQPoll       = 1 << 1
	setupClamp        = 1 << 4  // as many entries as allowed, instead of EINVAL
	setupCoopTaskrun  = 1 << 8  // Linux 5.19
	setupSingleIssuer = 1 << 12 // Linux 6.0
	setupDeferTaskrun = 1 << 13 // Linux 6.1

	featSingleMmap = 1 << 0 // both queues in one mapping, Linux 5.4
	featRWCurPos   = 1 << 3 // came with IORING_OP_WRITE, Linux 5.6

	offsetRing, offsetSQEs = 0, 0x10000000

	enterGetEvents = 1 << 0
	enterSQWakeup  = 1 << 1

	sqNeedWakeup = 1 << 0

	opNop        = 0
	opFsync      = 3
	opWriteFixed = 5
	opRead       = 22
	opWrite      = 23

	sqeFixedFile  = 1 << 0
	fsyncDatasync = 1 << 0
)

// sqe is struct io_uring_sqe, 64 bytes.
type sqe struct {
	opcode   uint8
	flags    uint8
	ioprio   uint16
	fd       int32
	offset   uint64
	addr     uint64
	length   uint32
	opFlags  uint32 // rw_flags or fsync_flags
	userData uint64
	bufIndex uint16 // of a registered buffer
	_        [3]uint16
	_        [2]uint64
}

// cqe is struct io_uring_cqe, 16 bytes.
type cqe struct {
	userData uint64
	result   int32 // bytes, or −errno
	flags    uint32
}

// params is struct io_uring_params, 120 bytes.
type params struct {
	sqEntries, cqEntries, flags, sqThreadCPU, sqThreadIdle, features, wqFd uint32
	_                                                                      [3]uint32
	sq                                                                     struct {
		head, tail, ringMask, ringEntries, flags, dropped, array, _ uint32
		_                                                           uint64
	}
	cq struct {
		head, tail, ringMask, ringEntries, overflow, cqes, flags, _ uint32
		_                                                           uint64
	}
}

// setup is how a ring is to be made.
type setup struct {
	entries uint32 // submissions at a time
	flags   uint32 // that must be
	wanted  uint32 // that are left out where the kernel does not know them
	sqpoll  bool   // among flags; changes how is submitted
	mode    string // for what is said of a refusal
}

// setupOf has room for a full depth and one wake-up.
//
// COOP_TASKRUN tells the kernel not to interrupt the submitting thread for a
// completion, but to wait until it enters the kernel on its own. A leader
// waits in io_uring_enter right after it submitted, so this costs it nothing
// and spares an interrupt a write. The price is paid by a submitter that goes
// on computing while another goroutine waits: on a raw device its completion
// may be held back until its thread's next system call or timer tick (on ext4
// a kernel worker posts it, and nothing is held back). Linux before 5.19 has no
// such flag, and is given the ring without: slower, and the same in every
// answer. With SQPOLL the kernel refuses it, for its own thread submits.
func setupOf(c Config) setup {
	s := setup{entries: uint32(c.Depth) + 1, flags: setupClamp, sqpoll: c.SQPoll, mode: c.Mode}
	switch {
	case c.SQPoll:
		s.flags |= setupSQPoll
	case c.Mode == iopath.ModeOwner:
		s.flags |= setupSingleIssuer | setupDeferTaskrun
	default:
		s.wanted = setupCoopTaskrun
	}
	return s
}

// openOwn sets up a ring; the kernel gives it room for twice as many
// completions as submissions.
func openOwn(s setup) (queue, error) {
	p := params{flags: s.flags | s.wanted}
	fd, errno := setupCall(s.entries, &p)
	if errno == unix.EINVAL && s.wanted != 0 {
		p = params{flags: s.flags}
		fd, errno = setupCall(s.entries, &p)
	}
	if errno != 0 {
		return nil, explainSetup(errno, s)
	}
	r := &ring{fd: fd}
	if p.features&featSingleMmap == 0 || p.features&featRWCurPos == 0 {
		return nil, errors.Join(explainSetup(unix.ENOTSUP, s), r.close())
	}
	if err := r.mapQueues(&p); err != nil {
		return nil, errors.Join(err, r.close())
	}
	if s.sqpoll {
		r.sqFlags = (*uint32)(unsafe.Pointer(&r.ringMem[p.sq.flags]))
	}
	return r, nil
}

func setupCall(entries uint32, p *params) (int, unix.Errno) {
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(entries), uintptr(unsafe.Pointer(p)), 0)
	return int(fd), errno // the kernel has set close-on-exec
}

func (r *ring) mapQueues(p *params) (err error) {
	size := max(p.sq.array+p.sqEntries*4, p.cq.cqes+p.cqEntries*uint32(unsafe.Sizeof(cqe{})))
	const prot, flags = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_POPULATE
	if r.ringMem, err = unix.Mmap(r.fd, offsetRing, int(size), prot, flags); err != nil {
		return os.NewSyscallError("mmap of the ring", err)
	}
	sqes := int(p.sqEntries) * int(unsafe.Sizeof(sqe{}))
	if r.sqeMem, err = unix.Mmap(r.fd, offsetSQEs, sqes, prot, flags); err != nil {
		return os.NewSyscallError("mmap of the SQEs", err)
	}
	word := func(offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.ringMem[offset])) }
	r.sqHead, r.sqTail, r.sqMask = word(p.sq.head), word(p.sq.tail), *word(p.sq.ringMask)
	r.cqHead, r.cqTail, r.cqMask = word(p.cq.head), word(p.cq.tail), *word(p.cq.ringMask)
	r.sqes = unsafe.Slice((*sqe)(unsafe.Pointer(&r.sqeMem[0])), p.sqEntries)
	r.cqes = unsafe.Slice((*cqe)(unsafe.Pointer(&r.ringMem[p.cq.cqes])), p.cqEntries)
	array := unsafe.Slice(word(p.sq.array), p.sqEntries)
	for i := range array {
		array[i] = uint32(i)
	}
	return nil
}

// push appends one submission; it does not tell the kernel. The caller holds
// the lock of the submitting side, and never has more in flight than entries.
func (r *ring) push(e sqe) {
	tail := *r.sqTail // only we write it, under the lock
	if tail-atomic.LoadUint32(r.sqHead) > r.sqMask {
		panic(fmt.Sprintf("io_uring: submission queue of %d entries is full", len(r.sqes)))
	}
	r.sqes[tail&r.sqMask] = e
	atomic.StoreUint32(r.sqTail, tail+1)
}

// submit hands what was pushed to the kernel, under the same lock. The kernel
// may take a part of it when it lacks memory; that passes, so it is asked
// again. Other errors cannot come from a ring that worked when it was opened,
// except through a fault of this program, and panic.
func (r *ring) submit() {
	if r.sqFlags != nil {
		r.rouse()
		return
	}
	for {
		pending := *r.sqTail - atomic.LoadUint32(r.sqHead)
		if pending == 0 {
			return
		}
		switch errno := r.enter(pending, 0, 0); errno {
		case 0, unix.EINTR:
		case unix.EAGAIN, unix.EBUSY:
			runtime.Gosched()
		default:
			panic(fmt.Sprintf("io_uring: submitting %d entries: %v", pending, errno))
		}
	}
}

// rouse has the kernel's thread look, if it sleeps. Go's atomics order the
// tail before the flag, as the protocol wants.
func (r *ring) rouse() {
	if atomic.LoadUint32(r.sqFlags)&sqNeedWakeup == 0 {
		return
	}
	if errno := r.enter(0, 0, enterSQWakeup); errno != 0 && errno != unix.EINTR {
		panic(fmt.Sprintf("io_uring: waking the kernel's thread: %v", errno))
	}
}

// submitAndWait is one system call. What the kernel did not take stays in the
// queue for the next.
func (r *ring) submitAndWait() {
	pending := *r.sqTail - atomic.LoadUint32(r.sqHead)
	switch errno := r.enter(pending, 1, enterGetEvents); errno {
	case 0, unix.EINTR:
	case unix.EAGAIN, unix.EBUSY:
		runtime.Gosched()
	default:
		panic(fmt.Sprintf("io_uring: submitting %d entries: %v", pending, errno))
	}
}

// wait returns when at least min completions are there, or after a signal.
// With min = 0 it only lets the kernel post what it has kept back.
func (r *ring) wait(min uint32) {
	switch errno := r.enter(0, min, enterGetEvents); errno {
	case 0, unix.EINTR, unix.EAGAIN, unix.EBUSY:
	default:
		panic(fmt.Sprintf("io_uring: waiting for %d completions: %v", min, errno))
	}
}

func (r *ring) enter(submit, wait, flags uint32) unix.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(submit), uintptr(wait), uintptr(flags), 0, 0)
	return errno
}

// pop takes one completion, if there is one. Only the reaper calls it.
func (r *ring) pop() (cqe, bool) {
	head := *r.cqHead // only we write it
	if head == atomic.LoadUint32(r.cqTail) {
		return cqe{}, false
	}
	c := r.cqes[head&r.cqMask]
	atomic.StoreUint32(r.cqHead, head+1)
	return c, true
}

// descriptor is part of queue.
func (r *ring) descriptor() int { return r.fd }

// close releases the ring. Nothing may be in flight that still matters.
func (r *ring) close() error {
	var faults []error
	for _, mem := range [][]byte{r.ringMem, r.sqeMem} {
		if mem != nil {
			faults = append(faults, unix.Munmap(mem))
		}
	}
	return errors.Join(append(faults, unix.Close(r.fd))...)
}

//go:build giouring

package uring

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/pawelgaczynski/giouring"
	"golang.org/x/sys/unix"
)

// giouringRing has the library do what ring does itself. Where the library
// goes wrong we do it ourselves: RegisterFiles passes Go's 64-bit ints as the
// kernel's 32-bit ones, so the second of two is 0 and closed; Setup returns a
// non-nil error on success, and QueueInit has to do. The rest is used as it is.
type giouringRing struct {
	lib    *giouring.Ring
	sqpoll bool
}

// Both entries are the kernel's 64 bytes; this does not compile if one is not.
var _ = [unsafe.Sizeof(sqe{})]byte([unsafe.Sizeof(giouring.SubmissionQueueEntry{})]byte{})

// openGiouring sets up a ring.
func openGiouring(s setup) (queue, error) {
	r := &giouringRing{lib: giouring.NewRing(), sqpoll: s.sqpoll}
	err := r.lib.QueueInit(s.entries, s.flags|s.wanted)
	if errors.Is(err, unix.EINVAL) && s.wanted != 0 {
		r.lib = giouring.NewRing()
		err = r.lib.QueueInit(s.entries, s.flags)
	}
	var errno unix.Errno
	if errors.As(err, &errno) {
		return nil, explainSetup(errno, s)
	}
	if err != nil {
		return nil, fmt.Errorf("giouring: %w", err)
	}
	return r, nil
}

// push is part of queue. Their entry has the layout of ours: the kernel's.
func (r *giouringRing) push(e sqe) {
	entry := r.lib.GetSQE()
	if entry == nil {
		panic("giouring: submission queue is full")
	}
	*(*sqe)(unsafe.Pointer(entry)) = e
}

// submit is part of queue. What the kernel lacks memory for is asked again.
func (r *giouringRing) submit() {
	for {
		_, err := r.lib.Submit()
		r.check(err, "submitting")
		if r.sqpoll || r.lib.SQReady() == 0 {
			return
		}
	}
}

// submitAndWait is part of queue.
func (r *giouringRing) submitAndWait() {
	_, err := r.lib.SubmitAndWait(1)
	r.check(err, "submitting and waiting")
}

// wait is part of queue.
func (r *giouringRing) wait(min uint32) {
	if min == 0 {
		_, err := r.lib.GetEvents()
		r.check(err, "asking for completions")
		return
	}
	_, err := r.lib.WaitCQENr(min)
	r.check(err, "waiting")
}

// check lets pass what the next call makes up for, and panics over the rest,
// which cannot come from a ring that worked when it was opened.
func (r *giouringRing) check(err error, doing string) {
	var errno unix.Errno
	switch {
	case err == nil:
		return
	case !errors.As(err, &errno):
	case errno == unix.EINTR:
		return
	case errno == unix.EAGAIN || errno == unix.EBUSY:
		runtime.Gosched()
		return
	}
	panic(fmt.Sprintf("giouring: %s: %v", doing, err))
}

// pop is part of queue.
func (r *giouringRing) pop() (cqe, bool) {
	if r.lib.CQReady() == 0 {
		return cqe{}, false // PeekCQE would enter the kernel
	}
	entry, err := r.lib.PeekCQE()
	if err != nil || entry == nil {
		return cqe{}, false
	}
	c := cqe{userData: entry.UserData, result: entry.Res, flags: entry.Flags}
	r.lib.CQESeen(entry)
	return c, true
}

// descriptor is part of queue.
func (r *giouringRing) descriptor() int { return r.lib.RingFd() }

// close is part of queue. The library reports nothing.
func (r *giouringRing) close() error {
	r.lib.QueueExit()
	return nil
}

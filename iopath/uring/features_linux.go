package uring

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/internal/arena"
	"github.com/tidelog/tide/iopath"
)

// Features tries each feature on a ring of its own and says what is missing,
// why, and what would help. A feature that is missing is refused by Open, with
// the same words.
func Features() []Feature {
	leader := Config{Mode: iopath.ModeLeader}
	return []Feature{
		try("uring", leader, nil),
		try("mode=leader", leader, coopTaskrun),
		try("mode=owner", Config{Mode: iopath.ModeOwner}, nil),
		try("fixed=1", leader, registerArena),
		try("sqpoll=1", Config{Mode: iopath.ModeLeader, SQPoll: true}, nil),
		try("ring=giouring", Config{Mode: iopath.ModeLeader, Ring: iopath.RingGiouring}, nil),
	}
}

// try runs on one thread, for the ring of an owner knows no other.
func try(name string, c Config, use func(ring int) error) Feature {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c = c.withDefaults()
	s := setupOf(c)
	r, err := openRing(s, c.Ring)
	if err == nil && use != nil {
		err = use(r.descriptor())
	}
	if r != nil {
		err = errors.Join(err, r.close())
	}
	if err != nil {
		return Feature{Name: name, Reason: err.Error()}
	}
	return Feature{Name: name, OK: true}
}

// coopTaskrun says whether the flag that the mode leader would like is there.
func coopTaskrun(int) error {
	p := params{flags: setupClamp | setupCoopTaskrun}
	fd, errno := setupCall(1, &p)
	if errno == unix.EINVAL {
		return errors.New("COOP_TASKRUN is missing, and completions interrupt the submitter: use Linux 5.19 or newer")
	}
	if errno != 0 {
		return os.NewSyscallError("io_uring_setup", errno)
	}
	return unix.Close(fd)
}

func registerArena(ring int) error {
	memory, err := arena.Map(iopath.DefaultArena)
	if err != nil {
		return err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return errors.Join(err, arena.Unmap(memory))
	}
	return errors.Join(register(ring, memory, int(null.Fd())), null.Close(), arena.Unmap(memory))
}

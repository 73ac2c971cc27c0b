package target

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/tidelog/tide/internal/units"
)

// LoadLimit is a cgroup beside that of the target, with the same limit, in which
// this process lives while it is the load. What it has taken before is not
// counted there, and what is started from it is: readers that catch up.
//
//	/sys/fs/cgroup/tide-bench-PID-1   the target
//	               tide-bench-PID-2   the load
//
// A nil one limits nothing.
type LoadLimit struct {
	limits *limits
	back   string // the group that this process came from
	soft   int64  // the runtime's limit before
}

// leastLoad is the least that a load can live with, bytes: its histograms, and a
// client's buffers. Below, the kernel would kill it in the middle of a trial.
const leastLoad = 256 << 20

// softShare of the limit is where the collector begins to run more often.
const softShare = 0.75

// LimitLoad puts this process into such a group; nil without memory=. An error
// says why it is in none, and then it goes on without.
func (s Spec) LimitLoad() (*LoadLimit, error) {
	l, err := parseLimits("", s.Keys["memory"])
	switch {
	case err != nil || l.memory == 0:
		return nil, err
	case l.memory < leastLoad:
		return nil, fmt.Errorf("memory=%s is too little for it: want %s", units.Size(l.memory), units.Size(leastLoad))
	}
	back, err := ownGroup()
	if err != nil {
		return nil, err
	}
	if err := l.makeGroup(); err != nil {
		return nil, err
	}
	if err := l.enter(os.Getpid()); err != nil {
		l.close()
		return nil, err
	}
	return &LoadLimit{limits: l, back: back, soft: debug.SetMemoryLimit(int64(softShare * float64(l.memory)))}, nil
}

// Peak is the most that the group has held, page cache included, bytes.
func (l *LoadLimit) Peak() int64 {
	if l == nil {
		return 0
	}
	return l.limits.peak()
}

// Close takes this process back to where it was, and removes the group.
func (l *LoadLimit) Close() error {
	if l == nil {
		return nil
	}
	debug.SetMemoryLimit(l.soft)
	err := enterGroup(l.back, os.Getpid())
	l.limits.close()
	if err != nil {
		return errors.Join(errors.New("the load cannot leave its cgroup"), err)
	}
	return nil
}

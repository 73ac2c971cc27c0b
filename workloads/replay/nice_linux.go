package replay

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Lowest gives this process the lowest priority. On Linux a priority is a
// thread's, and a new thread has that of the one which made it: so all threads
// are looked at until there is none left that has another.
func Lowest() error {
	for {
		raised, err := lowestThreads()
		if err != nil || !raised {
			return err
		}
	}
}

func lowestThreads() (changed bool, err error) {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return false, fmt.Errorf("priority: %w", err)
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return false, fmt.Errorf("priority: thread %q: %w", t.Name(), err)
		}
		now, err := unix.Getpriority(unix.PRIO_PROCESS, id)
		if errors.Is(err, unix.ESRCH) { // it has ended
			continue
		}
		if err == nil && 20-now == Nice { // as the system call has it
			continue
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, id, Nice); err != nil && !errors.Is(err, unix.ESRCH) {
			return false, fmt.Errorf("priority: %w", err)
		}
		changed = true
	}
	return changed, nil
}

//go:build unix && !aix && !solaris

package dir

import (
	"os"

	"golang.org/x/sys/unix"
)

// tryLock takes the file's lock, or reports that somebody has it. The lock
// ends with the file's last descriptor, hence with the process.
func tryLock(f *os.File) bool {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

package matrix

import "syscall"

// freeBytes of a directory's file system, for those who are not root; 0 when
// the kernel does not say.
func freeBytes(dir string) int64 {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0
	}
	return int64(s.Bavail) * s.Bsize
}

// dieWithParent has the kernel end the trial when the matrix is killed, and so
// the broker that the trial has started, so that neither runs on beside the
// matrix that is started in its place, which removes what they have left. As in
// workloads/target, the goroutines here are not locked to threads: the thread's
// death is in effect the process's.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

package itest

import "syscall"

// dieWithParent has the kernel kill the broker should the test be killed, so
// that a run that is cut off leaves nothing behind.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

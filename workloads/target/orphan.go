package target

import (
	"os/exec"
	"syscall"
	"time"
)

// DieWithParent is for whatever else a benchmark starts beside a target: it
// does not outlive the process that started it (Linux), and is not reached by
// Ctrl-C at a terminal.
func DieWithParent() *syscall.SysProcAttr { return dieWithParent() }

// installerGrace is how long an installer that was asked to end may take.
const installerGrace = 5 * time.Second

// endWithItsChildren has the end of a command's context reach what the command
// has started: the script alone would go, and the compiler or download that it
// waits for would go on, and keep Run waiting for its output.
func endWithItsChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = installerGrace
}

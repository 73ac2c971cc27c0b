package target

import "syscall"

// DieWithParent is for whatever else a benchmark starts beside a target: it
// does not outlive the process that started it (Linux), and is not reached by
// Ctrl-C at a terminal.
func DieWithParent() *syscall.SysProcAttr { return dieWithParent() }

//go:build !linux

package target

import "syscall"

func dieWithParent() *syscall.SysProcAttr { return nil }

func usageOfPID(int) Usage { return Usage{} }

func (c *child) io() Metrics { return nil }

//go:build !linux

package matrix

import "syscall"

func freeBytes(string) int64 { return 0 }

func dieWithParent() *syscall.SysProcAttr { return nil }

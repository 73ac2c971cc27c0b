//go:build !linux

package load

import "time"

// OwnCPU is what this process has used, user and system; 0 where it is not known.
func OwnCPU() time.Duration { return 0 }

// OwnRSS is this process's resident memory, bytes; 0 where it is not known.
func OwnRSS() int64 { return 0 }

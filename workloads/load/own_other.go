//go:build !linux

package load

import "time"

func ownCPU() time.Duration { return 0 }

//go:build !unix

package bench

import "time"

// cpuTime is not known here; results show 0.
func cpuTime() time.Duration { return 0 }

//go:build !linux

package replay

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Lowest gives this process the lowest priority.
func Lowest() error {
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, Nice); err != nil {
		return fmt.Errorf("priority: %w", err)
	}
	return nil
}

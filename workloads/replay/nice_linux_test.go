package replay

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// priorities of all threads of this process once they are lowered, of those
// that were there before and of those that came later.
func priorities() string {
	busyThreads()
	if err := Lowest(); err != nil {
		return err.Error()
	}
	busyThreads()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err.Error()
	}
	seen := map[int]bool{}
	for _, t := range threads {
		id, _ := strconv.Atoi(t.Name())
		if p, err := unix.Getpriority(unix.PRIO_PROCESS, id); err == nil {
			seen[20-p] = true
		}
	}
	return fmt.Sprint(seen)
}

func TestLowest(t *testing.T) {
	cmd := exec.Command(self(t), "replay")
	cmd.Env = append(os.Environ(), childEnv+"=priorities")
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, "map[19:true]", strings.TrimSpace(string(out)))
}

package doctor

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	stealWindow = 500 * time.Millisecond // between the two readings
	maxSteal    = 1.0                    // percent of all CPU time
)

func init() {
	register(check{order: 50, name: "cpu_governor", wanted: "performance, or none (a guest)", run: governor})
	register(check{order: 51, name: "steal", wanted: "at most 1 % of CPU time", run: steal})
}

// governor of all cores: one core that sleeps deeper than the others is enough
// to spoil a p99.
func governor(_ context.Context, s *System) answer {
	files, _ := filepath.Glob(s.Root + "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")
	var found []string
	for _, f := range files {
		found = append(found, s.read(strings.TrimPrefix(f, s.Root)))
	}
	slices.Sort(found)
	found = slices.Compact(found)
	switch {
	case len(found) == 0:
		return fine("none: the hypervisor decides")
	case len(found) == 1 && found[0] == "performance":
		return fine("performance")
	default:
		return bad(strings.Join(found, ", "), "cpupower frequency-set -g performance")
	}
}

// steal is the time in which this guest had work and the host ran another.
func steal(ctx context.Context, s *System) answer {
	before := ticks(s.read("/proc/stat"))
	s.Pause(ctx, stealWindow)
	after := ticks(s.read("/proc/stat"))
	all := after.all - before.all
	if after.all == 0 || after.all < before.all {
		return bad("not told by this kernel", "run on Linux with /proc mounted")
	}
	if all == 0 {
		return fine("no tick within %v", stealWindow)
	}
	percent := 100 * float64(after.stolen-before.stolen) / float64(all)
	found := fmt.Sprintf("%.1f %% within %v", percent, stealWindow)
	if percent > maxSteal {
		return bad(found, "use an instance that is not burstable, or wait for the neighbours: results made now are noise")
	}
	return fine("%s", found)
}

type cpuTicks struct{ all, stolen int64 }

// ticks reads "cpu user nice system idle iowait irq softirq steal guest …"; the
// guests' time is contained in the user's already.
func ticks(line string) cpuTicks {
	var t cpuTicks
	for i, f := range strings.Fields(line) {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil || i > 8 {
			continue
		}
		t.all += n
		if i == 8 {
			t.stolen = n
		}
	}
	return t
}

package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/tidelog/tide/results"
)

// memory is what a trial's target took, for the ratio of two of them.
type memory struct {
	Workload, Target string
	Less             float64 // RSS less arenas, MiB; 0: not known
	Limit            string  // memory= of its cgroup; "" for none
	Heap             string  // -Xmx of Kafka's JVM; "" for others
	invalid          bool
}

func memoryOf(t *results.Trial) memory {
	return memory{
		Workload: t.Run.Workload, Target: t.Run.Target, Less: t.Run.Figures[results.FigureRSSLess].Value,
		Limit: t.Run.Config["target.memory"], Heap: t.Run.Heap(), invalid: t.Run.Verdict.Word == results.Invalid,
	}
}

// isTide tells the broker whose arenas are known.
func (m memory) isTide() bool {
	kind, _, _ := strings.Cut(m.Target, "?")
	return kind == "tide" || strings.HasPrefix(kind, "tide+") // with settings from a file
}

// memoryLines sets tide's memory against that of each Kafka under the same
// workload. Of a JVM nothing is taken off, so its heap is named.
func memoryLines(w io.Writer, of []memory) {
	for _, a := range of {
		for _, b := range of {
			if !a.isTide() || b.Heap == "" || a.Workload != b.Workload || a.Less <= 0 || b.Less <= 0 || a.invalid || b.invalid {
				continue
			}
			fmt.Fprintf(w, "%s: RSS less arenas, %s ÷ %s: %.2f (%.0f ÷ %.0f MiB, its heap %s included; %s)\n",
				a.Workload, a.Target, b.Target, a.Less/b.Less, a.Less, b.Less, b.Heap, limits(a, b))
		}
	}
}

// limits says whether both had the same memory to live in.
func limits(a, b memory) string {
	if a.Limit == b.Limit {
		if a.Limit == "" {
			return "no limit on either"
		}
		return "both within " + a.Limit
	}
	return fmt.Sprintf("limits differ: %s and %s", cmp.Or(a.Limit, "none"), cmp.Or(b.Limit, "none"))
}

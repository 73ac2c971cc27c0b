package inspect

import (
	"fmt"
	"io"

	"github.com/tidelog/tide/internal/units"
)

// Print writes the report as text, a fact a line.
func (r Report) Print(w io.Writer) {
	if h := r.Header; h == nil {
		fmt.Fprintln(w, "header     none")
	} else {
		state := "not closed clean"
		if h.Clean {
			state = "closed clean"
		}
		fmt.Fprintf(w, "header     node %d, epoch %d, version %d, %s\n", h.NodeID, h.NodeEpoch, h.Version, state)
		fmt.Fprintf(w, "capacity   %s, window %s, trimmed to %d\n", units.Size(h.Capacity), units.Size(h.WindowMax), h.TrimOffset)
	}
	fmt.Fprintf(w, "records    %d, %d bytes, in [%d, %d)\n", r.Records, r.Bytes, r.Start, r.End)
	why := "in flight when the log ended, never acknowledged"
	if len(r.Damage) > 0 {
		why = "intact within a window behind the log's end: in flight, or lost with the damage"
	}
	fmt.Fprintf(w, "dropped    %d (%s)\n", r.Dropped, why)
	if r.Lost > 0 {
		fmt.Fprintf(w, "lost       %d (intact, but behind damage)\n", r.Lost)
	}
	if r.Foreign > 0 {
		fmt.Fprintf(w, "foreign    %d (intact, but no stream record batch)\n", r.Foreign)
	}
	for _, d := range r.Damage {
		fmt.Fprintf(w, "damage     %s\n", d)
	}
}

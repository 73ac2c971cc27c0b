package stream

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
)

// TestPlan reads transcripts: what the controller holds open, then the WAL's
// records in their order, then what recovery makes of them.
func TestPlan(t *testing.T) {
	datadriven.Walk(t, "testdata/plan", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var open []meta.StreamEnd
			var records []object.RecordBatch
			for _, line := range strings.Split(d.Input, "\n") {
				var s meta.StreamEnd
				var b object.RecordBatch
				var end int64
				if n, _ := fmt.Sscanf(line, "open stream=%d committed=%d node-epoch=%d", &s.StreamID, &s.End, &s.NodeEpoch); n == 3 {
					open = append(open, s)
					continue
				}
				n, err := fmt.Sscanf(line, "record stream=%d epoch=%d [%d,%d)", &b.StreamID, &b.Epoch, &b.BaseOffset, &end)
				require.NoError(t, err, line)
				require.Equal(t, 4, n)
				b.Count = int32(end - b.BaseOffset)
				records = append(records, b)
			}
			return transcript(newPlan(open, 5, &RecoveryReport{}), records)
		})
	})
}

func transcript(p *plan, records []object.RecordBatch) string {
	var out strings.Builder
	for _, b := range records {
		_ = p.note(b, nil)
	}
	for _, l := range p.losses() {
		fmt.Fprintf(&out, "lost stream=%d [%d,%d)\n", l.StreamID, l.From, l.To)
	}
	for _, b := range records {
		if p.keep(b) {
			fmt.Fprintf(&out, "keep stream=%d epoch=%d [%d,%d)\n", b.StreamID, b.Epoch, b.BaseOffset, b.EndOffset())
		}
	}
	r := p.report
	fmt.Fprintf(&out, "kept=%d committed=%d unknown=%d stale=%d\n", r.Kept, r.Committed, r.Unknown, r.Stale)
	return out.String()
}

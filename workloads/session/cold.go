package session

import "fmt"

// RecordsFromObjects is the broker's counter of records that fetches took from
// objects.
const RecordsFromObjects = `tide_stream_fetch_records_total{source="object"}`

// MinCold is the share of its records that a catch-up must get from objects.
const MinCold = 0.95

// ColdReads says whether a catch-up really read objects. Tailing consumers,
// which read along, get theirs from the log cache and are not counted in it.
type ColdReads struct {
	Committed int64 // records below the committed ends when it began
	Read      int64 // records that it has read: fewer when its time was over
	Fetched   int64 // records that fetches took from objects meanwhile
}

// Judge reports to a session, under the name of the phase.
func (c ColdReads) Judge(phase string, to interface {
	Fault(what, hint string)
	Figure(name string, value float64, unit string)
},
) {
	want := min(c.Committed, c.Read)
	if want == 0 {
		to.Fault("nothing was committed to objects before the "+phase+" began, or nothing read", "run longer; broker.log says whether uploads failed")
		return
	}
	share := float64(c.Fetched) / float64(want)
	to.Figure(phase+" from objects", 100*min(share, 1), "% of the records committed at its start")
	if share < MinCold {
		to.Fault(
			fmt.Sprintf("only %d of %d committed records of the %s came from objects (%.1f %%, want ≥ %.0f %%)",
				c.Fetched, want, phase, 100*share, 100*MinCold),
			"the log cache served the rest: its committed blocks were not dropped")
	}
}

package demo

import "fmt"

// fromObjects counts records that fetches took from objects.
const fromObjects = `tide_stream_fetch_records_total{source="object"}`

// minCold is the share of committed records that must come from objects.
const minCold = 0.95

// coldReads says whether a catch-up really read objects.
type coldReads struct {
	committed int64 // records below the committed ends when it began
	fetched   int64 // records that fetches took from objects meanwhile
}

// judge reports to the session.
func (c coldReads) judge(to interface {
	Fault(what, hint string)
	Figure(name string, value float64, unit string)
},
) {
	if c.committed == 0 {
		to.Fault("nothing was committed to objects before the catch-up began", "run longer; broker.log says whether uploads failed")
		return
	}
	share := float64(c.fetched) / float64(c.committed)
	to.Figure("catch-up from objects", 100*min(share, 1), "% of the records committed at its start")
	if share < minCold {
		to.Fault(
			fmt.Sprintf("only %d of %d committed records of the catch-up came from objects (%.1f %%, want ≥ %.0f %%)",
				c.fetched, c.committed, 100*share, 100*minCold),
			"the log cache served the rest: its committed blocks were not dropped")
	}
}

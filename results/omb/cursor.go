package omb

import (
	"time"

	"github.com/tidelog/tide/results"
)

// slack between the end of a row and that of its line in a log, whose times are
// in ms and went through seconds as floats.
const slack = 3 * time.Millisecond

// cursor walks along the timeline and the three logs together. A log has no
// line for an interval without values, so lines are matched by phase and end.
type cursor struct {
	trial *results.Trial
	at    [len(series)]int // index into each log
}

// next are the histograms of the next row; none for those without values.
func (c *cursor) next(row results.Row) [len(series)][]*results.Sparse {
	var out [len(series)][]*results.Sparse
	end := c.trial.Run.Started.Add(time.Duration(row.T * float64(time.Second)))
	for i, s := range series {
		log := c.trial.Logs[s]
		for ; c.at[i] < len(log) && !log[c.at[i]].End.After(end.Add(slack)); c.at[i]++ {
			line := log[c.at[i]]
			if line.Phase == row.Phase {
				out[i] = append(out[i], line.Hist)
			} else if line.End.After(end.Add(-slack)) {
				break // of the next row, which is shorter than the slack
			}
		}
	}
	return out
}

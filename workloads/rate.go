package workloads

import (
	"fmt"
	"regexp"
)

// Searches says whether the workload leaves its rate open: producerRate: 0, as
// in OpenMessaging Benchmark, asks for the highest that can be sustained.
func (w Workload) Searches() bool { return !w.Closed && len(w.TopicGroups) == 0 && !w.rated() }

var rateLine = regexp.MustCompile(`(?m)^producerRate:.*$`)

// WithRate is the workload at another rate; its Source says so too, so that it
// can be run again.
func (w Workload) WithRate(perSecond int64) (Workload, error) {
	line := fmt.Sprintf("producerRate: %d", perSecond)
	source := rateLine.ReplaceAll(w.source, []byte(line))
	if !rateLine.Match(w.source) {
		source = append(append([]byte(nil), w.source...), "\n"+line+"\n"...)
	}
	other, err := Parse(source)
	if err != nil {
		return w, fmt.Errorf("at %d records a second: %w", perSecond, err)
	}
	if other.ProducerRate != perSecond {
		return w, fmt.Errorf("its rate cannot be set: write producerRate on a line of its own")
	}
	other.payloads = w.payloads
	return other, nil
}

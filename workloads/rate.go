package workloads

import (
	"fmt"
	"slices"
	"strconv"
)

// Searches says whether the workload leaves its rate open: producerRate: 0, as
// in OpenMessaging Benchmark, asks for the highest that can be sustained.
func (w Workload) Searches() bool { return !w.Closed && len(w.TopicGroups) == 0 && !w.rated() }

// WithRate is the workload at another rate; its Source says so too, so that it
// can be run again.
func (w Workload) WithRate(perSecond int64) (Workload, error) {
	source, err := Override(w.source, map[string]string{"producerRate": strconv.FormatInt(perSecond, 10)})
	if err != nil {
		return w, fmt.Errorf("at %d records a second: %w", perSecond, err)
	}
	other, err := Parse(source)
	other.payloads = w.payloads
	return other, err
}

// Varies says whether the load's rate changes by itself.
func (w Workload) Varies() bool {
	return slices.ContainsFunc(w.groups(), func(g TopicGroup) bool { return len(g.ProducerRateList) > 0 })
}

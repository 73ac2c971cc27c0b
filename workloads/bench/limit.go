package bench

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidelog/tide/workloads"
)

// Limit is what the response time of producing may be for a rate to count as
// held.
type Limit struct {
	Text       string // as given
	Percentile float64
	Most       time.Duration
}

// DefaultLimit is that of a workload whose producerRate is 0.
const DefaultLimit = "p99=10ms"

var percentiles = map[string]float64{"p50": 50, "p90": 90, "p99": 99, "p999": 99.9}

// maxLimit: beyond a minute a target does not serve any more.
const maxLimit = time.Minute

// ParseLimit reads p99=10ms.
func ParseLimit(text string) (*Limit, error) {
	name, value, _ := strings.Cut(text, "=")
	at, known := percentiles[name]
	most, err := time.ParseDuration(value)
	if !known || err != nil || most <= 0 || most > maxLimit {
		return nil, fmt.Errorf("search %q: want p50, p90, p99 or p999 and a time up to %v, as in %s", text, maxLimit, DefaultLimit)
	}
	return &Limit{Text: text, Percentile: at, Most: most}, nil
}

// Check finds what does not go together, before anything is started.
func (c Config) Check() error {
	if _, ok := c.Target.WithFaults(); c.Workload.BreaksStore() && !ok {
		return fmt.Errorf("workload %s on %s: only the store of tide, started here, can be made to fail", c.Workload.Name, c.Target.Text)
	}
	if c.Search == nil {
		if c.Workload.Searches() {
			return errors.New("the workload has producerRate: 0, and no limit to search at")
		}
		return nil
	}
	var errs []error
	bad := func(is bool, what string) {
		if is {
			errs = append(errs, errors.New("search: "+what))
		}
	}
	w := c.Workload
	bad(w.Closed, "a closed loop has no rate to be varied")
	bad(len(w.TopicGroups) > 0, "several topicGroups have several rates")
	bad(len(w.ProducerRateList) > 0, "producerRateList varies the rate by itself")
	bad(w.Backlog() > 0, "consumerBacklogSizeGB: a rate is not held while a back-log is read")
	bad(c.Target.Address != "" && !w.RandomTopicNames, "randomTopicNames: false: on a target that runs already no second probe would have fresh topics")
	bad(len(w.Phases) > 0 || w.Fill() > 0, "phases and fillGB disturb the load on purpose")
	if len(errs) == 0 {
		_, err := w.WithRate(minRate)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("workload %s: %w", w.Name, err)
	}
	return nil
}

// firstRate is the rate of the first probe.
func firstRate(w workloads.Workload) int64 {
	if w.ProducerRate > 0 {
		return w.ProducerRate
	}
	return defaultRate
}

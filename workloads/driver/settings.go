package driver

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidelog/tide/workloads/load"
)

// settings gathers what properties ask for. Some only make sense together, so
// that they become options at the end.
type settings struct {
	security

	acks        string
	idempotent  *bool
	inFlight    *int // requests per connection
	oneInFlight bool // of an idempotent producer
	linger      *time.Duration
	batch       *int // batch.size, bytes
	codec       string
	roundRobin  bool
	group       string
	commit      *bool
	commitEvery *time.Duration
	backoff     *time.Duration
	backoffMax  *time.Duration

	common, producing, consuming, grouped []kgo.Opt
}

// table maps properties. A mapping returns why it has no effect, or that there
// is no equivalent, or neither when it took the value.
type table map[string]func(s *settings, section, value string) (noEffect string, err error)

func setting(fn func(*settings, string) error) func(*settings, string, string) (string, error) {
	return func(s *settings, _, v string) (string, error) { return "", fn(s, v) }
}

// nothing is a property that changes nothing here, whatever its value.
func nothing(why string) func(*settings, string, string) (string, error) {
	return func(*settings, string, string) (string, error) { return why, nil }
}

// only is a property that is fine at the values that the load has anyway.
func only(why string, values ...string) func(*settings, string, string) (string, error) {
	return func(_ *settings, _, v string) (string, error) {
		for _, one := range values {
			if strings.EqualFold(v, one) {
				return why, nil
			}
		}
		return "", fmt.Errorf("no equivalent; only %s would be one", strings.Join(values, ", "))
	}
}

// bySection adds an option to the clients of the section.
func bySection[T any](parse func(string) (T, error), option func(T) kgo.Opt) func(*settings, string, string) (string, error) {
	return func(s *settings, section, v string) (string, error) {
		x, err := parse(v)
		if err != nil {
			return "", err
		}
		s.add(section, option(x))
		return "", nil
	}
}

func (s *settings) add(section string, o kgo.Opt) {
	switch section {
	case "producer":
		s.producing = append(s.producing, o)
	case "consumer":
		s.consuming = append(s.consuming, o)
	case "group":
		s.grouped = append(s.grouped, o)
	default:
		s.common = append(s.common, o)
	}
}

// number parses one within bounds.
func number(lo, hi int) func(string) (int, error) {
	return func(v string) (int, error) {
		n, err := strconv.Atoi(v)
		if err != nil || n < lo || n > hi {
			return 0, fmt.Errorf("want %d to %d", lo, hi)
		}
		return n, nil
	}
}

// millis parses a time within bounds, ms.
func millis(lo, hi int) func(string) (time.Duration, error) {
	return func(v string) (time.Duration, error) {
		n, err := number(lo, hi)(v)
		return time.Duration(n) * time.Millisecond, err
	}
}

func boolean(v string) (bool, error) {
	switch strings.ToLower(v) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errors.New("want true or false")
}

// keep takes a value that can be parsed; with another the setting stays unsaid.
func keep[T any](into **T, parse func(string) (T, error), v string) error {
	x, err := parse(v)
	if err == nil {
		*into = &x
	}
	return err
}

// or is a setting, or what it is when it was not said.
func or[T any](p *T, unsaid T) T {
	if p != nil {
		return *p
	}
	return unsaid
}

// refusal is a property that turns out to have no equivalent beside others.
type refusal struct{ key, why string }

// finish makes options of what belongs together, and says what does not fit.
func (s *settings) finish() []refusal {
	var unmapped []refusal
	said := or(s.idempotent, s.acks != "1")
	if s.acks == "1" && said {
		unmapped = append(unmapped, refusal{"enable.idempotence", "acks=1 rules it out"})
	}
	switch {
	case s.acks == "1" || !said:
		s.producing = append(s.producing, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(or(s.inFlight, kafkaInFlight)))
	case or(s.inFlight, kafkaInFlight) == 1:
		s.oneInFlight = true
	case or(s.inFlight, kafkaInFlight) != kafkaInFlight:
		unmapped = append(unmapped, refusal{
			"max.in.flight.requests.per.connection", fmt.Sprintf("an idempotent producer of franz-go has %d, or 1", kafkaInFlight),
		})
	}
	if s.backoff != nil || s.backoffMax != nil {
		first := or(s.backoff, kafkaBackoff)
		most := max(first, or(s.backoffMax, kafkaBackoffMax))
		s.common = append(s.common, kgo.RetryBackoffFn(func(fails int) time.Duration {
			return min(first<<min(max(fails-1, 0), 12), most)
		}))
	}
	return append(unmapped, s.security.finish(s)...)
}

// What Kafka's clients have where a file does not say.
const (
	kafkaBatch      = 16384 // batch.size
	kafkaInFlight   = 5
	kafkaBackoff    = 100 * time.Millisecond
	kafkaBackoffMax = time.Second
)

// apply puts them over a load's.
func (s *settings) apply(c load.Config) load.Config {
	if s.acks != "" {
		c.Acks = s.acks
	}
	c.Linger, c.OneInFlight = or(s.linger, c.Linger), s.oneInFlight
	if s.codec != "" {
		c.Codec = s.codec
	}
	batch := or(s.batch, kafkaBatch)
	if s.batch != nil {
		// Kafka's clients send a record that is larger in a batch of its own;
		// this one's limit is a hard one.
		largest := c.ValueSize
		for _, g := range c.Groups {
			largest = max(largest, g.ValueSize)
		}
		c.BatchBytes = max(batch, largest+recordRoom, minBatch)
	}
	if c.Sticky = batch; s.roundRobin {
		c.Sticky = 0
	}
	c.Group = s.group
	if c.Group == "" {
		c.Group = c.Topic + "-subscription"
	}
	c.Grouped = append(c.Grouped, s.grouped...)
	if !or(s.commit, true) {
		c.Grouped = append(c.Grouped, kgo.DisableAutoCommit())
	} else if s.commitEvery != nil {
		c.Grouped = append(c.Grouped, kgo.AutoCommitInterval(max(*s.commitEvery, shortestCommit)))
	}
	c.Common = append(c.Common, s.common...)
	c.Producing = append(c.Producing, s.producing...)
	c.Consuming = append(c.Consuming, s.consuming...)
	return c
}

const (
	recordRoom = 256 // what key, batch and record headers take, at most
	minBatch   = 512 // franz-go's smallest
	// shortestCommit is franz-go's; a file that says less commits as often as it can.
	shortestCommit = 100 * time.Millisecond
)

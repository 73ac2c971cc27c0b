package driver

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	anHour = 3_600_000 // ms
	anInt  = 1<<31 - 1
)

const measured = "a send that waits is measured, not given up"

// commonTable is what producers, consumers and admin clients have in common.
var commonTable = table{
	"bootstrap.servers":                      nothing("--target says where"),
	"client.dns.lookup":                      nothing("every address is tried"),
	"default.api.timeout.ms":                 nothing("the trial has time limits of its own"),
	"metric.reporters":                       nothing("nobody reads Java's metrics"),
	"metrics.num.samples":                    nothing("nobody reads Java's metrics"),
	"metrics.recording.level":                nothing("nobody reads Java's metrics"),
	"metrics.sample.window.ms":               nothing("nobody reads Java's metrics"),
	"auto.include.jmx.reporter":              nothing("nobody reads Java's metrics"),
	"enable.metrics.push":                    only("nothing is pushed", "false"),
	"reconnect.backoff.ms":                   nothing("it counts only once a connection is lost"),
	"reconnect.backoff.max.ms":               nothing("it counts only once a connection is lost"),
	"socket.connection.setup.timeout.max.ms": nothing("it counts only when connecting fails"),
	"socket.connection.setup.timeout.ms":     bySection(millis(1, anHour), func(d time.Duration) kgo.Opt { return kgo.DialTimeout(d) }),
	"connections.max.idle.ms":                bySection(millis(100, 900_000), func(d time.Duration) kgo.Opt { return kgo.ConnIdleTimeout(d) }),
	"client.id":                              bySection(text, func(id string) kgo.Opt { return kgo.ClientID(id) }),
	"metadata.max.age.ms":                    metadataAge,
	"request.timeout.ms":                     requestTimeout,
	"send.buffer.bytes":                      only("the system's default is used", "-1"),
	"receive.buffer.bytes":                   only("the system's default is used", "-1"),
	"retry.backoff.ms":                       setting(func(s *settings, v string) error { return keep(&s.backoff, millis(1, anHour), v) }),
	"retry.backoff.max.ms":                   setting(func(s *settings, v string) error { return keep(&s.backoffMax, millis(1, anHour), v) }),
	"security.protocol":                      setting(func(s *settings, v string) error { s.protocol = strings.ToUpper(v); return nil }),
	"sasl.mechanism":                         setting(func(s *settings, v string) error { s.mechanism = strings.ToUpper(v); return nil }),
	"sasl.jaas.config":                       setting(func(s *settings, v string) error { s.jaas = v; return nil }),
	"ssl.endpoint.identification.algorithm":  only("host names are verified", "https"),
}

func text(v string) (string, error) {
	if v == "" {
		return "", errors.New("want a value")
	}
	return v, nil
}

// requestTimeout is the broker's time limit for a produce request, and what the
// client waits beyond a request's own limit.
func requestTimeout(s *settings, section, v string) (string, error) {
	d, err := millis(100, anHour)(v)
	if err != nil {
		return "", err
	}
	if section != "consumer" {
		s.producing = append(s.producing, kgo.ProduceRequestTimeout(d))
	}
	s.add(section, kgo.RequestTimeoutOverhead(min(d, 15*time.Minute)))
	return "", nil
}

func metadataAge(s *settings, section, v string) (string, error) {
	d, err := millis(100, anHour)(v)
	if err != nil {
		return "", err
	}
	s.add(section, kgo.MetadataMaxAge(d))
	s.add(section, kgo.MetadataMinAge(min(d, 5*time.Second)))
	return "", nil
}

// producerTable is what only producers have.
var producerTable = table{
	"acks": setting(func(s *settings, v string) error {
		switch v {
		case "all", "-1":
			s.acks = "all"
		case "1":
			s.acks = "1"
		default:
			return errors.New("want all or 1: what is never acknowledged cannot be verified")
		}
		return nil
	}),
	"linger.ms":  setting(func(s *settings, v string) error { return keep(&s.linger, millis(0, 60_000), v) }),
	"batch.size": setting(func(s *settings, v string) error { return keep(&s.batch, number(0, 64<<20), v) }),
	"compression.type": setting(func(s *settings, v string) error {
		for _, known := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
			if v == known {
				s.codec = v
				return nil
			}
		}
		return errors.New("want none, gzip, snappy, lz4 or zstd")
	}),
	"enable.idempotence":                    setting(func(s *settings, v string) error { return keep(&s.idempotent, boolean, v) }),
	"max.in.flight.requests.per.connection": setting(func(s *settings, v string) error { return keep(&s.inFlight, number(1, 1000), v) }),
	"retries":                               producing(number(0, anInt), func(n int) kgo.Opt { return kgo.RecordRetries(n) }),
	"delivery.timeout.ms":                   producing(millis(1000, anInt), func(d time.Duration) kgo.Opt { return kgo.RecordDeliveryTimeout(d) }),
	"max.request.size":                      producing(number(1<<10, 1<<30), func(n int) kgo.Opt { return kgo.BrokerMaxWriteBytes(int32(n)) }),
	"partitioner.class": setting(func(s *settings, v string) error {
		name := v[strings.LastIndexByte(v, '.')+1:]
		s.roundRobin = name == "RoundRobinPartitioner"
		if !s.roundRobin && name != "DefaultPartitioner" && name != "UniformStickyPartitioner" {
			return fmt.Errorf("no equivalent of %s", name)
		}
		return nil
	}),
	"partitioner.ignore.keys":                  only("a key decides its partition", "false"),
	"partitioner.adaptive.partitioning.enable": only("partitions are not chosen by how fast they are", "false"),
	"partitioner.availability.timeout.ms":      only("partitions are not chosen by how fast they are", "0"),
	"buffer.memory":                            nothing("the workload's inFlight bounds what is not acknowledged"),
	"max.block.ms":                             nothing(measured),
	"key.serializer":                           nothing("records are bytes"),
	"value.serializer":                         nothing("records are bytes"),
	"interceptor.classes":                      only("there are none", ""),
	"metadata.max.idle.ms":                     nothing("every topic is in use"),
}

// consumerTable is what only consumers have.
var consumerTable = table{
	"auto.offset.reset":         only("every record is read, from the first", "earliest"),
	"enable.auto.commit":        setting(func(s *settings, v string) error { return keep(&s.commit, boolean, v) }),
	"auto.commit.interval.ms":   setting(func(s *settings, v string) error { return keep(&s.commitEvery, millis(0, anHour), v) }),
	"group.id":                  setting(func(s *settings, v string) (err error) { s.group, err = text(v); return err }),
	"max.partition.fetch.bytes": consuming(number(1, 1<<30), func(n int) kgo.Opt { return kgo.FetchMaxPartitionBytes(int32(n)) }),
	"fetch.max.bytes":           consuming(number(1, 1<<30), func(n int) kgo.Opt { return kgo.FetchMaxBytes(int32(n)) }),
	"fetch.min.bytes":           consuming(number(0, 1<<30), func(n int) kgo.Opt { return kgo.FetchMinBytes(int32(n)) }),
	"fetch.max.wait.ms":         consuming(millis(10, 60_000), func(d time.Duration) kgo.Opt { return kgo.FetchMaxWait(d) }),
	"session.timeout.ms":        grouping(millis(100, anHour), func(d time.Duration) kgo.Opt { return kgo.SessionTimeout(d) }),
	"heartbeat.interval.ms":     grouping(millis(10, anHour), func(d time.Duration) kgo.Opt { return kgo.HeartbeatInterval(d) }),
	"max.poll.interval.ms":      grouping(millis(100, 24*anHour), func(d time.Duration) kgo.Opt { return kgo.RebalanceTimeout(d) }),
	"client.rack":               consuming(text, func(r string) kgo.Opt { return kgo.Rack(r) }),
	"isolation.level": consuming(isolation, func(l kgo.IsolationLevel) kgo.Opt {
		return kgo.FetchIsolationLevel(l)
	}),
	"check.crcs": func(s *settings, _, v string) (string, error) {
		check, err := boolean(v)
		if err != nil || check {
			return "they are", err
		}
		s.consuming = append(s.consuming, kgo.DisableFetchCRCValidation())
		return "", nil
	},
	"partition.assignment.strategy": grouping(balancers, func(b []kgo.GroupBalancer) kgo.Opt { return kgo.Balancers(b...) }),
	"group.protocol":                only("groups are classic ones", "classic"),
	"max.poll.records":              nothing("what a fetch brought is taken at once"),
	"allow.auto.create.topics":      nothing("topics are there before they are read"),
	"exclude.internal.topics":       nothing("topics are named"),
	"key.deserializer":              nothing("records are bytes"),
	"value.deserializer":            nothing("records are bytes"),
}

// producing, consuming and grouping are for their clients, in whatever section they stand.
func producing[T any](parse func(string) (T, error), option func(T) kgo.Opt) func(*settings, string, string) (string, error) {
	return func(s *settings, _, v string) (string, error) {
		return bySection(parse, option)(s, "producer", v)
	}
}

func consuming[T any](parse func(string) (T, error), option func(T) kgo.Opt) func(*settings, string, string) (string, error) {
	return func(s *settings, _, v string) (string, error) {
		return bySection(parse, option)(s, "consumer", v)
	}
}

func grouping[T any](parse func(string) (T, error), option func(T) kgo.Opt) func(*settings, string, string) (string, error) {
	return func(s *settings, _, v string) (string, error) {
		return bySection(parse, option)(s, "group", v)
	}
}

func isolation(v string) (kgo.IsolationLevel, error) {
	switch v {
	case "read_uncommitted":
		return kgo.ReadUncommitted(), nil
	case "read_committed":
		return kgo.ReadCommitted(), nil
	}
	return kgo.IsolationLevel{}, errors.New("want read_uncommitted or read_committed")
}

func balancers(v string) ([]kgo.GroupBalancer, error) {
	known := map[string]func() kgo.GroupBalancer{
		"RangeAssignor": kgo.RangeBalancer, "RoundRobinAssignor": kgo.RoundRobinBalancer,
		"StickyAssignor": kgo.StickyBalancer, "CooperativeStickyAssignor": kgo.CooperativeStickyBalancer,
	}
	var out []kgo.GroupBalancer
	for one := range strings.SplitSeq(v, ",") {
		name := one[strings.LastIndexByte(one, '.')+1:]
		build, ok := known[strings.TrimSpace(name)]
		if !ok {
			return nil, fmt.Errorf("no equivalent of %s", name)
		}
		out = append(out, build())
	}
	return out, nil
}

package workloads

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidelog/tide/workloads/load"
)

// TopicGroup is topics that are alike. A workload describes one group by its
// own keys, or in the form of AutoMQ's fork several, below topicGroups.
type TopicGroup struct {
	GroupName               string      `yaml:"groupName"`
	Topics                  int         `yaml:"topics"`
	PartitionsPerTopic      int         `yaml:"partitionsPerTopic"`
	PartitionsPerTopicList  []int       `yaml:"partitionsPerTopicList"`
	KeyDistributor          string      `yaml:"keyDistributor"`
	MessageSize             int         `yaml:"messageSize"`
	PayloadFile             string      `yaml:"payloadFile"`
	SubscriptionsPerTopic   int         `yaml:"subscriptionsPerTopic"`
	ConsumerPerSubscription int         `yaml:"consumerPerSubscription"`
	ProducersPerTopic       int         `yaml:"producersPerTopic"`
	ProducersPerTopicList   []int       `yaml:"producersPerTopicList"`
	ProducerRate            int64       `yaml:"producerRate"`
	ProducerRateList        [][]float64 `yaml:"producerRateList"`
}

// groups are those below topicGroups, or the one that the workload's own keys
// describe.
func (w Workload) groups() []TopicGroup {
	if len(w.TopicGroups) > 0 {
		return w.TopicGroups
	}
	return []TopicGroup{{
		Topics: w.Topics, PartitionsPerTopic: w.PartitionsPerTopic, PartitionsPerTopicList: w.PartitionsPerTopicList,
		KeyDistributor: w.KeyDistributor, MessageSize: w.MessageSize, PayloadFile: w.PayloadFile,
		SubscriptionsPerTopic: w.SubscriptionsPerTopic, ConsumerPerSubscription: w.ConsumerPerSubscription,
		ProducersPerTopic: w.ProducersPerTopic, ProducersPerTopicList: w.ProducersPerTopicList,
		ProducerRate: w.ProducerRate, ProducerRateList: w.ProducerRateList,
	}}
}

// rated says whether there is a rate, or a list of rates, to send at.
func (w Workload) rated() bool {
	return slices.ContainsFunc(w.groups(), func(g TopicGroup) bool { return g.ProducerRate > 0 || len(g.ProducerRateList) > 0 })
}

// groupFaults are those of the keys that describe topics, by their own names.
// The load has bounds of its own, for all of them together.
func (w Workload) groupFaults() []error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	want(strings.TrimSpace(w.Name) != "", "name is %q, want a name", w.Name)
	want(w.Version == 1, "version is %d, this program reads 1", w.Version)
	want(w.LogIntervalMillis >= 100 && w.LogIntervalMillis <= 3_600_000, "logIntervalMillis is %d, want 100 to 3600000", w.LogIntervalMillis)
	want(len(w.TopicGroups) <= 100, "topicGroups has %d groups, want at most 100", len(w.TopicGroups))
	want(len(w.TopicGroups) == 0 || w.PartitionsPerTopic == 0 && w.MessageSize == 0 && w.ProducersPerTopic == 0 && w.ProducerRate == 0 && w.ProducerRateList == nil,
		"topicGroups stands in place of the keys that describe topics: take them out beside it")
	want(len(w.TopicGroups) == 0 || w.ConsumerBacklogSizeGB == 0 && w.FillGB == 0, "consumerBacklogSizeGB and fillGB are not for topicGroups, whose records differ in size")
	want(!w.UseRandomizedPayloads || w.RandomizedPayloadPoolSize > 0, "randomizedPayloadPoolSize is %d, want at least 1 with useRandomizedPayloads", w.RandomizedPayloadPoolSize)
	for _, g := range w.groups() {
		errs = append(errs, g.faults()...)
	}
	if len(errs) > 0 {
		return errs
	}
	c, err := w.Load()
	c.Brokers, c.Topic = []string{"none"}, "none" // not the file's to say
	if w.Searches() && len(c.Groups) > 0 {
		c.Groups[0].Rate = 1 // whatever it will be
	}
	if err == nil && (c.Closed || w.rated() || w.Searches()) {
		err = c.Check()
	}
	if err != nil {
		errs = append(errs, err)
	}
	return errs
}

func (g TopicGroup) faults() []error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	within := func(name string, v, lo, hi int) { want(v >= lo && v <= hi, "%s is %d, want %d to %d", name, v, lo, hi) }
	within("topics", g.Topics, 1, 10_000)
	each := func(name string, list []int, one, lo, hi int) {
		if list == nil {
			within(name, one, lo, hi)
			return
		}
		want(len(list) == g.Topics, "%sList has %d numbers, want one for each of %d topics", name, len(list), g.Topics)
		for _, n := range list {
			within("a number of "+name+"List", n, lo, hi)
		}
	}
	each("partitionsPerTopic", g.PartitionsPerTopicList, g.PartitionsPerTopic, 1, 100_000)
	each("producersPerTopic", g.ProducersPerTopicList, g.ProducersPerTopic, 1, 10_000)
	within("consumerPerSubscription", g.ConsumerPerSubscription, 0, 10_000)
	within("subscriptionsPerTopic", g.SubscriptionsPerTopic, 0, 1000)
	want(g.MessageSize >= load.HeaderSize, "messageSize is %d, want at least %d: by so many bytes each record is verified", g.MessageSize, load.HeaderSize)
	want(slices.Contains([]string{"", "NO_KEY", "KEY_ROUND_ROBIN", "RANDOM_NANO"}, g.KeyDistributor),
		"keyDistributor is %q, want NO_KEY, KEY_ROUND_ROBIN or RANDOM_NANO", g.KeyDistributor)
	want(g.ProducerRate >= 0, "producerRate is %d, want 0 or more", g.ProducerRate)
	if _, err := curve(g.ProducerRateList); err != nil {
		errs = append(errs, err)
	}
	return errs
}

// Load maps every key that describes the load itself. Brokers, the topics' name
// and how long it goes on are the caller's.
func (w Workload) Load() (load.Config, error) {
	c := load.Config{
		Closed: w.Closed, Linger: w.Linger(), BatchBytes: w.BatchBytes, InFlight: w.InFlight,
		Codec: w.Codec, Clients: w.Clients, Sticky: w.StickyBytes, Seed: w.Seed,
	}
	for i, g := range w.groups() {
		one := load.Group{
			Name: g.GroupName, Partitions: listed(g.PartitionsPerTopicList, g.PartitionsPerTopic, g.Topics),
			Producers:     listed(g.ProducersPerTopicList, g.ProducersPerTopic, g.Topics),
			Subscriptions: max(1, g.SubscriptionsPerTopic), Consumers: g.ConsumerPerSubscription,
			ValueSize: g.MessageSize, Keys: load.Keys(g.KeyDistributor), Payload: w.payload(g),
		}
		if g.SubscriptionsPerTopic == 0 || one.Consumers == 0 {
			one.Consumers = -1
		}
		if one.Name == "" && len(w.TopicGroups) > 0 {
			one.Name = fmt.Sprintf("group-%d", i)
		}
		var err error
		if one.Curve, err = curve(g.ProducerRateList); err != nil {
			return c, err
		}
		if len(one.Curve.Points) == 0 { // the list stands in place of the rate
			one.Rate = g.ProducerRate
		}
		c.Groups = append(c.Groups, one)
	}
	return c, nil
}

func listed(list []int, one, topics int) []int {
	if list != nil {
		return list
	}
	return slices.Repeat([]int{one}, max(0, min(topics, 10_000)))
}

// payload of a group: random ones come before a file, as they do in
// OpenMessaging Benchmark.
func (w Workload) payload(g TopicGroup) load.Payload {
	if w.UseRandomizedPayloads {
		return load.Payload{Pool: w.RandomizedPayloadPoolSize, RandomRatio: w.RandomBytesRatio}
	}
	return load.Payload{File: w.payloads[g.PayloadFile]}
}

// curve reads producerRateList: [minute, rate] counts from the first send,
// [hour, minute, rate] is a time of the day.
func curve(list [][]float64) (load.Curve, error) {
	var c load.Curve
	for _, p := range list {
		if len(p) != len(list[0]) || len(p) < 2 || len(p) > 3 {
			return c, errors.New("producerRateList wants [minute, rate] in every point, or [hour, minute, rate] in every one")
		}
		for _, v := range p {
			if math.IsNaN(v) || v < 0 || v > 1e9 {
				return c, fmt.Errorf("producerRateList holds %g, want 0 to 1e9", v)
			}
		}
		at := minutes(p[len(p)-2])
		if len(p) == 3 {
			c.Daily = true
			at += time.Duration(p[0] * float64(time.Hour))
		}
		c.Points = append(c.Points, load.RatePoint{At: at, Rate: int64(math.Round(p[len(p)-1]))})
	}
	return c, nil
}

// readPayloads reads the payload files, before anything is started. A path that
// is not absolute counts from the workload's directory or, as in OpenMessaging
// Benchmark, from the working directory.
func (w *Workload) readPayloads(dir string) error {
	w.payloads = map[string][]byte{}
	for _, g := range w.groups() {
		if g.PayloadFile == "" || w.UseRandomizedPayloads {
			continue
		}
		content, err := readPayload(dir, g.PayloadFile, g.MessageSize)
		if err != nil {
			return err
		}
		w.payloads[g.PayloadFile] = content
	}
	return nil
}

func readPayload(dir, name string, size int) ([]byte, error) {
	places := []string{filepath.Join(dir, name), name}
	if filepath.IsAbs(name) {
		places = []string{name}
	}
	for _, place := range places {
		f, err := os.Open(place)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("payloadFile: %w", err)
		}
		defer f.Close()
		content, err := io.ReadAll(io.LimitReader(f, int64(size)+1))
		if err != nil {
			return nil, fmt.Errorf("payloadFile: %w", err)
		}
		if len(content) != size {
			info, _ := f.Stat() // it is open
			return nil, fmt.Errorf("payloadFile %s has %d bytes, want messageSize, %d", place, info.Size(), size)
		}
		return content, nil
	}
	return nil, fmt.Errorf("payloadFile: there is no %s: take the key out for pseudo-random payloads", strings.Join(places, " and no "))
}

var notWord = regexp.MustCompile(`[^A-Za-z0-9.]+`)

// Slug is the name as one word, for directories and topics: names such as
// "1 topic / 1 partition / 100b" are usual.
func (w Workload) Slug() string {
	s := strings.Trim(notWord.ReplaceAllString(w.Name, "-"), "-.")
	if s == "" {
		return "workload"
	}
	return s[:min(len(s), 80)]
}

// LogInterval is the time between lines of the log.
func (w Workload) LogInterval() time.Duration {
	return time.Duration(w.LogIntervalMillis) * time.Millisecond
}

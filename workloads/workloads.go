// Package workloads holds the built-in workloads, a YAML file each, and reads
// others. The keys are those of OpenMessaging Benchmark, read as they are, and
// a few of our own. A key that is known there but not yet built in here is
// refused by name: a workload that is read and half ignored would be measured
// as something else than it says.
package workloads

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tidelog/tide/internal/bounded"
)

//go:embed *.yaml
var files embed.FS

// maxFile is the largest workload file, bytes.
const maxFile = 1 << 20

// Workload is one YAML file.
type Workload struct {
	Name                    string  `yaml:"name"`
	Topics                  int     `yaml:"topics"`
	PartitionsPerTopic      int     `yaml:"partitionsPerTopic"`
	KeyDistributor          string  `yaml:"keyDistributor"` // NO_KEY, KEY_ROUND_ROBIN or RANDOM_NANO
	MessageSize             int     `yaml:"messageSize"`    // bytes of the value
	ProducersPerTopic       int     `yaml:"producersPerTopic"`
	SubscriptionsPerTopic   int     `yaml:"subscriptionsPerTopic"`   // each reads all of the topic
	ConsumerPerSubscription int     `yaml:"consumerPerSubscription"` // tailing, or reading the backlog
	ProducerRate            int64   `yaml:"producerRate"`            // records a second, all producers together; 0: see Searches
	ConsumerBacklogSizeGB   float64 `yaml:"consumerBacklogSizeGB"`   // × 1024³ bytes: see Beside
	BacklogDrainRatio       float64 `yaml:"backlogDrainRatio"`       // of it that is read before the run begins; default 1
	TestDurationMinutes     float64 `yaml:"testDurationMinutes"`
	WarmupDurationMinutes   float64 `yaml:"warmupDurationMinutes"`

	UseRandomizedPayloads     bool    `yaml:"useRandomizedPayloads"`
	RandomBytesRatio          float64 `yaml:"randomBytesRatio"`          // of each payload, from its start; the rest is zeros
	RandomizedPayloadPoolSize int     `yaml:"randomizedPayloadPoolSize"` // different payloads
	PayloadFile               string  `yaml:"payloadFile"`               // of messageSize bytes; beside the workload, or in the working directory

	// Keys of AutoMQ's fork.
	PartitionsPerTopicList []int        `yaml:"partitionsPerTopicList"` // one for each topic, in place of partitionsPerTopic
	ProducersPerTopicList  []int        `yaml:"producersPerTopicList"`  // likewise
	ProducerRateList       [][]float64  `yaml:"producerRateList"`       // [minute, rate] or [hour, minute, rate]; linear between points
	RandomTopicNames       bool         `yaml:"randomTopicNames"`       // default true; false names topics by the workload
	LogIntervalMillis      int          `yaml:"logIntervalMillis"`      // between lines of the log; default 10000
	Version                int          `yaml:"version"`                // of the file's form: 1
	TopicGroups            []TopicGroup `yaml:"topicGroups"`            // in place of the keys that describe topics

	// Our own keys.
	Closed     bool    `yaml:"closed"`     // closed loop in place of producerRate
	LingerMs   float64 `yaml:"lingerMs"`   // always set; default 0
	BatchBytes int     `yaml:"batchBytes"` // largest batch of one partition
	// StickyBytes is how many bytes a producer without keys sends to a partition
	// before it turns to the next, as Kafka's clients do with batch.size.
	// Default 0: each record goes to the next partition.
	StickyBytes int    `yaml:"stickyBytes"`
	InFlight    int    `yaml:"inFlight"` // bytes unacknowledged per client
	Codec       string `yaml:"codec"`    // none, gzip, snappy, lz4 or zstd
	Clients     int    `yaml:"clients"`  // producing clients that the producers share; default one each
	Verify      bool   `yaml:"verify"`   // read everything back at the end
	Seed        uint64 `yaml:"seed"`     // of the payload; default 1

	// FillGB × 1024³ bytes are written as fast as it goes before the load
	// begins, and the target is given the time to put them where a reader that
	// lags behind will find them: what a phase catch-up reads.
	FillGB float64 `yaml:"fillGB"`
	// Phases are what happens to the target while the load goes on.
	Phases []Phase `yaml:"phases"`
	// ColdCaches makes every reading of a back-log begin with nothing in any
	// cache: the broker is killed and started again, and the page cache of its
	// directory dropped. A phase catch-up, and a back-log beside an open loop,
	// leave the broker alive and drop the page cache.
	ColdCaches bool `yaml:"coldCaches"`
	// ColdFetchRate is how many single records a second are fetched by random
	// offsets after the back-log was read, in open loop; 0 for none.
	ColdFetchRate int64 `yaml:"coldFetchRate"`
	// ColdFetchMinutes is for how long.
	ColdFetchMinutes float64 `yaml:"coldFetchMinutes"`
	// ColdFetchClients is over how many connections, each with one fetch in
	// flight. Default 16.
	ColdFetchClients int `yaml:"coldFetchClients"`

	source   []byte
	payloads map[string][]byte // by payloadFile, once Open has read them
}

// Parse reads a workload and reports every fault.
func Parse(content []byte) (Workload, error) {
	if err := bounded.Check(content, maxFile); err != nil {
		return Workload{}, fmt.Errorf("workload: %w", err)
	}
	w := Workload{source: content, Topics: 1, KeyDistributor: "NO_KEY", WarmupDurationMinutes: 1, Seed: 1, ColdFetchClients: 16}
	w.RandomTopicNames, w.LogIntervalMillis, w.Version, w.BacklogDrainRatio = true, 10_000, 1, 1
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	if err := dec.Decode(&w); err != nil && !errors.Is(err, io.EOF) {
		return Workload{}, fmt.Errorf("workload: %w", err)
	}
	if err := w.Validate(); err != nil {
		return Workload{}, fmt.Errorf("workload %s: %w", w.Name, err)
	}
	return w, nil
}

// Validate reports every fault that the load itself would not: see load.Config
// for the bounds of numbers that go there.
func (w Workload) Validate() error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	const day = 24 * 60
	errs = append(errs, w.groupFaults()...)
	want(w.Closed || w.rated() || w.Searches(), "no topic group has a producerRate")
	want(!w.Closed || w.ProducerRate == 0, "a closed loop has no producerRate, but %d is set", w.ProducerRate)
	want(w.ConsumerBacklogSizeGB >= 0 && w.ConsumerBacklogSizeGB <= 4096, "consumerBacklogSizeGB is %g, want 0 to 4096", w.ConsumerBacklogSizeGB)
	want(w.ConsumerBacklogSizeGB == 0 || w.consumers() > 0, "consumerBacklogSizeGB needs a consumer to read it back")
	want(w.BacklogDrainRatio >= 0 && w.BacklogDrainRatio <= 1, "backlogDrainRatio is %g, want 0 to 1", w.BacklogDrainRatio)
	want(w.BacklogDrainRatio == 1 || !w.Closed, "backlogDrainRatio is for a back-log beside an open loop; a closed loop reads all of it")
	want(w.FillGB == 0 || w.ConsumerBacklogSizeGB == 0, "fillGB is for phases, and consumerBacklogSizeGB builds its own back-log")
	want(w.Closed && w.ConsumerBacklogSizeGB > 0 || w.TestDurationMinutes > 0, "testDurationMinutes is %g, want more than 0", w.TestDurationMinutes)
	want(w.TestDurationMinutes >= 0 && w.TestDurationMinutes <= day, "testDurationMinutes is %g, want 0 to %d", w.TestDurationMinutes, day)
	want(w.WarmupDurationMinutes >= 0 && w.WarmupDurationMinutes <= day, "warmupDurationMinutes is %g, want 0 to %d", w.WarmupDurationMinutes, day)
	want(w.FillGB >= 0 && w.FillGB <= 4096, "fillGB is %g, want 0 to 4096", w.FillGB)
	want(w.FillGB == 0 || !w.Closed, "fillGB is what is there before a load by a schedule; a closed loop has consumerBacklogSizeGB")
	want(!w.ColdCaches || w.ConsumerBacklogSizeGB > 0 || len(w.Phases) > 0, "coldCaches needs a consumerBacklogSizeGB to be read back, or phases")
	want(w.ColdFetchRate >= 0 && w.ColdFetchRate <= 1_000_000, "coldFetchRate is %d, want 0 to 1000000", w.ColdFetchRate)
	want(w.ColdFetchRate == 0 || w.Closed && w.ConsumerBacklogSizeGB > 0, "coldFetchRate needs a consumerBacklogSizeGB of a closed loop to fetch from")
	want((w.ColdFetchRate > 0) == (w.ColdFetchMinutes > 0), "coldFetchRate and coldFetchMinutes belong together")
	want(w.ColdFetchMinutes >= 0 && w.ColdFetchMinutes <= day, "coldFetchMinutes is %g, want 0 to %d", w.ColdFetchMinutes, day)
	want(w.ColdFetchClients >= 1 && w.ColdFetchClients <= 10_000, "coldFetchClients is %d, want 1 to 10000", w.ColdFetchClients)
	want(!w.Searches() || w.ConsumerBacklogSizeGB == 0 && w.FillGB == 0 && len(w.Phases) == 0,
		"producerRate is 0, which searches for the highest rate: that cannot be done with consumerBacklogSizeGB, fillGB or phases")
	want(w.LingerMs >= 0 && w.LingerMs <= 60_000, "lingerMs is %g, want 0 to 60000", w.LingerMs)
	return errors.Join(append(errs, w.checkPhases())...)
}

func (w Workload) consumers() int { return w.SubscriptionsPerTopic * w.ConsumerPerSubscription }

// Duration of the measured phase.
func (w Workload) Duration() time.Duration { return minutes(w.TestDurationMinutes) }

// WarmUp before it.
func (w Workload) WarmUp() time.Duration { return minutes(w.WarmupDurationMinutes) }

// Linger of the producing clients.
func (w Workload) Linger() time.Duration {
	return time.Duration(w.LingerMs * float64(time.Millisecond))
}

// ColdFetches is how long single records are fetched; 0 for not at all.
func (w Workload) ColdFetches() time.Duration { return minutes(w.ColdFetchMinutes) }

// Backlog to be written and read back, bytes; 0 for none.
func (w Workload) Backlog() int64 { return int64(w.ConsumerBacklogSizeGB * (1 << 30)) }

// Beside says whether the back-log builds up and is drained while the load goes
// on by its schedule, as in OpenMessaging Benchmark. In a closed loop it is
// written first and then read back.
func (w Workload) Beside() bool { return w.Backlog() > 0 && !w.Closed }

// BuildTime is what producerRate needs for so many bytes; 0 without such a rate.
func (w Workload) BuildTime(backlog int64) time.Duration {
	if w.ProducerRate == 0 {
		return 0
	}
	return time.Duration(float64(backlog) / float64(w.MessageSize) / float64(w.ProducerRate) * float64(time.Second))
}

// Source is the file as it was read.
func (w Workload) Source() []byte { return w.source }

func minutes(m float64) time.Duration { return time.Duration(m * float64(time.Minute)) }

// Names of the built-in workloads, sorted.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(fmt.Sprintf("embedded workloads: %v", err))
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// Open reads a built-in workload by name, or a file by its path.
func Open(name string) (Workload, error) {
	if slices.Contains(Names(), name) {
		content, err := files.ReadFile(name + ".yaml")
		if err != nil {
			return Workload{}, err
		}
		return Parse(content)
	}
	content, err := bounded.Read(name, maxFile)
	if errors.Is(err, os.ErrNotExist) {
		return Workload{}, fmt.Errorf("workload %s: no such file, and the built-in ones are %s", name, strings.Join(Names(), ", "))
	}
	if err != nil {
		return Workload{}, fmt.Errorf("workload: %w", err)
	}
	w, err := Parse(content)
	if err == nil {
		err = w.readPayloads(filepath.Dir(name))
	}
	if err != nil {
		return Workload{}, fmt.Errorf("%s: %w", name, err)
	}
	return w, nil
}

// Package driver reads the driver files of OpenMessaging Benchmark and maps
// their Java properties to the load's settings and franz-go's options.
//
//	replicationFactor: 3      ─▶ load.Config.Replicas
//	topicConfig: |            ─▶ what topics are created with, as it is
//	commonConfig: |           ─┐
//	producerConfig: |         ─┼▶ a setting │ without effect here │ unmapped
//	consumerConfig: |         ─┘
//
// A property is one of three. A setting is applied. One without effect would
// change nothing that is measured, and is listed with the reason. All others are
// unmapped: a trial that leaves them out measures something else than the file
// says, so they are refused, all at once, unless the caller asks for less. A
// known property with a value that has no equivalent is unmapped too.
//
// With a driver the load behaves as Kafka's own clients where it would not by
// itself: a producer without keys stays on a partition for batch.size bytes
// (unless partitioner.class says otherwise), and consumers are groups.
package driver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidelog/tide/internal/bounded"
	"github.com/tidelog/tide/workloads/load"
)

// maxFile is the largest driver file, bytes.
const maxFile = 1 << 20

// Driver is one file, resolved.
type Driver struct {
	Name string
	// Unmapped are properties that have no equivalent, each with the reason.
	Unmapped []string
	// NoEffect are properties that change nothing here, each with the reason.
	NoEffect []string

	replicas int
	topic    map[string]string
	applied  map[string]string // section and property → value, secrets left out
	settings settings
	source   []byte
}

// file is the YAML.
type file struct {
	Name              string `yaml:"name"`
	DriverClass       string `yaml:"driverClass"`
	ReplicationFactor int    `yaml:"replicationFactor"`
	Reset             bool   `yaml:"reset"` // topics are always new
	SkipCreateTopic   bool   `yaml:"skipCreateTopic"`
	TopicConfig       string `yaml:"topicConfig"`
	CommonConfig      string `yaml:"commonConfig"`
	ProducerConfig    string `yaml:"producerConfig"`
	ConsumerConfig    string `yaml:"consumerConfig"`
}

// Open reads a file.
func Open(path string) (*Driver, error) {
	content, err := bounded.Read(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("driver: %w", err)
	}
	d, err := Parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// Parse reads a driver and reports every fault but unmapped properties, which
// it lists: see Check.
func Parse(content []byte) (*Driver, error) {
	if err := bounded.Check(content, maxFile); err != nil {
		return nil, fmt.Errorf("driver: %w", err)
	}
	f := file{ReplicationFactor: 1}
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("driver: %w", err)
	}
	if err := f.validate(); err != nil {
		return nil, fmt.Errorf("driver %s: %w", f.Name, err)
	}
	d := &Driver{Name: f.Name, replicas: f.ReplicationFactor, applied: map[string]string{}, source: content}
	if d.Name == "" {
		d.Name = "driver"
	}
	if f.Reset {
		d.NoEffect = append(d.NoEffect, "reset: every trial makes topics of its own")
	}
	return d, d.read(f)
}

// Source is the file as it was read.
func (d *Driver) Source() []byte { return d.source }

func (f file) validate() error {
	var errs []error
	class := strings.ToLower(f.DriverClass)
	if class != "" && !strings.Contains(class, "kafka") && !strings.Contains(class, "redpanda") {
		errs = append(errs, fmt.Errorf("driverClass %s is not one of Kafka", f.DriverClass))
	}
	if f.ReplicationFactor < 1 || f.ReplicationFactor > 100 {
		errs = append(errs, fmt.Errorf("replicationFactor is %d, want 1 to 100", f.ReplicationFactor))
	}
	if f.SkipCreateTopic {
		errs = append(errs, errors.New("skipCreateTopic: a trial's topics are its own, or it could not be verified"))
	}
	return errors.Join(errs...)
}

func (d *Driver) read(f file) error {
	var err error
	if d.topic, err = parseProperties(f.TopicConfig); err != nil {
		return fmt.Errorf("topicConfig: %w", err)
	}
	for k, v := range d.topic {
		d.applied["topic."+k] = v
	}
	for _, s := range []struct {
		name, text string
		tables     []table
	}{
		{"common", f.CommonConfig, []table{commonTable, producerTable, consumerTable}},
		{"producer", f.ProducerConfig, []table{commonTable, producerTable}},
		{"consumer", f.ConsumerConfig, []table{commonTable, consumerTable}},
	} {
		properties, err := parseProperties(s.text)
		if err != nil {
			return fmt.Errorf("%sConfig: %w", s.name, err)
		}
		for _, key := range slices.Sorted(maps.Keys(properties)) {
			d.property(s.name, key, properties[key], s.tables)
		}
	}
	for _, no := range d.settings.finish() {
		d.Unmapped = append(d.Unmapped, no.key+": "+no.why)
		for _, section := range []string{"common", "producer", "consumer"} {
			delete(d.applied, section+"."+no.key)
		}
	}
	return nil
}

// property sorts one into what it is.
func (d *Driver) property(section, key, value string, tables []table) {
	known := false
	for _, t := range tables {
		take, ok := t[key]
		if !ok {
			continue
		}
		known = true
		why, err := take(&d.settings, section, value)
		switch {
		case err != nil:
			d.Unmapped = append(d.Unmapped, fmt.Sprintf("%sConfig %s=%s: %v", section, key, shown(key, value), err))
		case why != "":
			d.NoEffect = append(d.NoEffect, fmt.Sprintf("%sConfig %s: %s", section, key, why))
		default:
			d.applied[section+"."+key] = shown(key, value)
		}
	}
	if !known {
		d.Unmapped = append(d.Unmapped, fmt.Sprintf("%sConfig %s=%s: no equivalent", section, key, shown(key, value)))
	}
}

// shown keeps secrets out of messages and results.
func shown(key, value string) string {
	if strings.Contains(key, "jaas") || strings.Contains(key, "password") || strings.Contains(key, "ssl.key") {
		return "(secret)"
	}
	return value
}

// Check refuses what is unmapped, all of it at once.
func (d *Driver) Check(ignoreUnmapped bool) error {
	if ignoreUnmapped || len(d.Unmapped) == 0 {
		return nil
	}
	return fmt.Errorf("driver %s: these properties have no equivalent; take them out, or run with --ignore-unmapped:\n  %s",
		d.Name, strings.Join(d.Unmapped, "\n  "))
}

// Apply puts the driver's settings over a load's; those that the file does not
// name stay.
func (d *Driver) Apply(c load.Config) load.Config {
	c.Replicas, c.TopicConfig = d.replicas, d.topic
	return d.settings.apply(c)
}

// Describe is what was applied, and what was not, for run.json.
func (d *Driver) Describe() map[string]string {
	out := map[string]string{"driver.name": d.Name, "driver.replication_factor": fmt.Sprint(d.replicas)}
	for k, v := range d.applied {
		out["driver."+k] = v
	}
	if len(d.NoEffect) > 0 {
		out["driver.without_effect"] = strings.Join(d.NoEffect, "; ")
	}
	if len(d.Unmapped) > 0 {
		out["driver.ignored"] = strings.Join(d.Unmapped, "; ")
	}
	return out
}

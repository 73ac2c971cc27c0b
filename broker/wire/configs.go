package wire

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topicConfig is one config that a topic can have, with Kafka's name, type and
// default, so that tools written for Kafka find what they look for.
type topicConfig struct {
	name     string
	kind     kmsg.ConfigType
	value    string // default
	least    float64
	most     float64
	oneOf    []string // allowed values, or elements of a list; nil: any
	broker   string   // the broker's config that Kafka takes the default from; "": none
	honoured bool     // false: accepted, kept and shown, without effect
	doc      string
}

const (
	longMax = "9223372036854775807"
	maxInt  = 1<<31 - 1
	maxLong = 1<<63 - 1
)

// topicConfigTable is in order of name. A config is honoured when something in
// this broker reads it; the others are about files that we do not have.
var topicConfigTable = []topicConfig{
	{name: "cleanup.policy", kind: kmsg.ConfigTypeList, value: "delete", oneOf: []string{"delete", "compact"}, broker: "log.cleanup.policy", honoured: true, doc: "What happens to old records: with delete in it, retention applies. Compaction by key is accepted and not done yet."},
	{name: "compression.gzip.level", kind: kmsg.ConfigTypeInt, value: "-1", least: -1, most: 9, broker: "compression.gzip.level"},
	{name: "compression.lz4.level", kind: kmsg.ConfigTypeInt, value: "9", least: 1, most: 17, broker: "compression.lz4.level"},
	{name: "compression.type", kind: kmsg.ConfigTypeString, value: "producer", oneOf: []string{"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"}, broker: "compression.type", honoured: true, doc: "Batches stay as the producer compressed them, whatever this says."},
	{name: "compression.zstd.level", kind: kmsg.ConfigTypeInt, value: "3", least: -131072, most: 22, broker: "compression.zstd.level"},
	{name: "delete.retention.ms", kind: kmsg.ConfigTypeLong, value: "86400000", most: maxLong, broker: "log.cleaner.delete.retention.ms"},
	{name: "file.delete.delay.ms", kind: kmsg.ConfigTypeLong, value: "60000", most: maxLong, broker: "log.segment.delete.delay.ms"},
	{name: "flush.messages", kind: kmsg.ConfigTypeLong, value: longMax, least: 1, most: maxLong, broker: "log.flush.interval.messages", doc: "Every record is durable before it is acknowledged."},
	{name: "flush.ms", kind: kmsg.ConfigTypeLong, value: longMax, most: maxLong, broker: "log.flush.interval.ms", doc: "Every record is durable before it is acknowledged."},
	{name: "follower.replication.throttled.replicas", kind: kmsg.ConfigTypeList},
	{name: "index.interval.bytes", kind: kmsg.ConfigTypeInt, value: "4096", most: maxInt, broker: "log.index.interval.bytes"},
	{name: "leader.replication.throttled.replicas", kind: kmsg.ConfigTypeList},
	{name: "local.retention.bytes", kind: kmsg.ConfigTypeLong, value: "-2", least: -2, most: maxLong, broker: "log.local.retention.bytes"},
	{name: "local.retention.ms", kind: kmsg.ConfigTypeLong, value: "-2", least: -2, most: maxLong, broker: "log.local.retention.ms"},
	{name: "max.compaction.lag.ms", kind: kmsg.ConfigTypeLong, value: longMax, least: 1, most: maxLong, broker: "log.cleaner.max.compaction.lag.ms"},
	{name: "max.message.bytes", kind: kmsg.ConfigTypeInt, value: "1048588", most: maxInt, broker: "message.max.bytes", honoured: true, doc: "Largest record batch, in bytes, after compression."},
	{name: "message.timestamp.after.max.ms", kind: kmsg.ConfigTypeLong, value: "3600000", most: maxLong, broker: "log.message.timestamp.after.max.ms", honoured: true, doc: "How far a record's own time may lie ahead of the broker's clock, in ms."},
	{name: "message.timestamp.before.max.ms", kind: kmsg.ConfigTypeLong, value: longMax, most: maxLong, broker: "log.message.timestamp.before.max.ms", honoured: true, doc: "How far a record's own time may lie behind the broker's clock, in ms."},
	{name: "message.timestamp.type", kind: kmsg.ConfigTypeString, value: "CreateTime", oneOf: []string{"CreateTime", "LogAppendTime"}, broker: "log.message.timestamp.type", honoured: true, doc: "Whose clock the timestamps of records are."},
	{name: "min.cleanable.dirty.ratio", kind: kmsg.ConfigTypeDouble, value: "0.5", most: 1, broker: "log.cleaner.min.cleanable.ratio"},
	{name: "min.compaction.lag.ms", kind: kmsg.ConfigTypeLong, value: "0", most: maxLong, broker: "log.cleaner.min.compaction.lag.ms"},
	{name: "min.insync.replicas", kind: kmsg.ConfigTypeInt, value: "1", least: 1, most: maxInt, broker: "min.insync.replicas", doc: "Without effect: durability comes from the log and the object store, not from followers."},
	{name: "preallocate", kind: kmsg.ConfigTypeBoolean, value: "false", broker: "log.preallocate"},
	{name: "remote.log.copy.disable", kind: kmsg.ConfigTypeBoolean, value: "false"},
	{name: "remote.log.delete.on.disable", kind: kmsg.ConfigTypeBoolean, value: "false"},
	{name: "remote.storage.enable", kind: kmsg.ConfigTypeBoolean, value: "false", doc: "Without effect: every record goes to the object store."},
	{name: "retention.bytes", kind: kmsg.ConfigTypeLong, value: "-1", least: -1, most: maxLong, broker: "log.retention.bytes", honoured: true, doc: "Size of a partition above which old records go, as whole ranges of objects; -1 is no bound."},
	{name: "retention.ms", kind: kmsg.ConfigTypeLong, value: "604800000", least: -1, most: maxLong, broker: "log.retention.ms", honoured: true, doc: "Age from which records go, as whole ranges of objects; -1 is no bound."},
	{name: "segment.bytes", kind: kmsg.ConfigTypeInt, value: "1073741824", least: 14, most: maxInt, broker: "log.segment.bytes"},
	{name: "segment.index.bytes", kind: kmsg.ConfigTypeInt, value: "10485760", least: 4, most: maxInt, broker: "log.index.size.max.bytes"},
	{name: "segment.jitter.ms", kind: kmsg.ConfigTypeLong, value: "0", most: maxLong, broker: "log.roll.jitter.ms"},
	{name: "segment.ms", kind: kmsg.ConfigTypeLong, value: "604800000", least: 1, most: maxLong, broker: "log.roll.ms"},
	{name: "unclean.leader.election.enable", kind: kmsg.ConfigTypeBoolean, value: "false", broker: "unclean.leader.election.enable", doc: "Without effect: a new leader has every acknowledged record."},
}

// findTopicConfig looks a config up by name.
func findTopicConfig(name string) (*topicConfig, bool) {
	i, ok := slices.BinarySearchFunc(topicConfigTable, name, func(t topicConfig, name string) int {
		return strings.Compare(t.name, name)
	})
	if !ok {
		return nil, false
	}
	return &topicConfigTable[i], true
}

// checkTopicConfig refuses unknown names and values out of range.
func checkTopicConfig(name, value string) error {
	t, ok := findTopicConfig(name)
	if !ok {
		return fmt.Errorf("unknown topic config %s: %w", clip(strconv.Quote(name)), kerr.InvalidConfig)
	}
	if err := t.check(strings.TrimSpace(value)); err != nil {
		return fmt.Errorf("topic config %s = %s: %w: %w", name, clip(strconv.Quote(value)), err, kerr.InvalidConfig)
	}
	return nil
}

func (t *topicConfig) check(value string) error {
	switch t.kind {
	case kmsg.ConfigTypeBoolean:
		if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
			return fmt.Errorf("neither true nor false")
		}
	case kmsg.ConfigTypeInt, kmsg.ConfigTypeLong:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("not a whole number")
		}
		return t.within(float64(n))
	case kmsg.ConfigTypeDouble:
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return fmt.Errorf("not a number")
		}
		return t.within(n)
	case kmsg.ConfigTypeString:
		return t.allowed(value)
	case kmsg.ConfigTypeList:
		for elem := range strings.SplitSeq(value, ",") {
			if err := t.allowed(strings.TrimSpace(elem)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *topicConfig) within(n float64) error {
	if !(n >= t.least && n <= t.most) { // NaN is in no range
		return fmt.Errorf("must be %g to %g", t.least, t.most)
	}
	return nil
}

func (t *topicConfig) allowed(value string) error {
	if t.oneOf == nil || slices.Contains(t.oneOf, value) {
		return nil
	}
	return fmt.Errorf("must be one of %s", strings.Join(t.oneOf, ", "))
}

// describe is the documentation that clients are shown.
func (t *topicConfig) describe() string {
	if t.doc == "" && !t.honoured {
		return "Accepted and shown, without effect here."
	}
	return t.doc
}

// configEntry is one config as DescribeConfigs shows it.
type configEntry struct {
	name, value string
	kind        kmsg.ConfigType
	source      kmsg.ConfigSource
	readOnly    bool
	doc         string
	synonyms    []configEntry // where the value comes from, the value itself first
}

// describeTopic lists all configs of a topic with what is set for it.
func describeTopic(set map[string]string) []configEntry {
	entries := make([]configEntry, 0, len(topicConfigTable))
	for i := range topicConfigTable {
		t := &topicConfigTable[i]
		e := configEntry{name: t.name, value: t.value, kind: t.kind, source: kmsg.ConfigSourceDefaultConfig, doc: t.describe()}
		if v, ok := set[t.name]; ok {
			e.value, e.source = v, kmsg.ConfigSourceDynamicTopicConfig
			e.synonyms = append(e.synonyms, configEntry{name: t.name, value: v, source: e.source})
		}
		if t.broker != "" {
			e.synonyms = append(e.synonyms, configEntry{name: t.broker, value: t.value, source: kmsg.ConfigSourceDefaultConfig})
		}
		entries = append(entries, e)
	}
	return entries
}

// brokerEntries lists the broker's settings: those that this package knows,
// the defaults of topics, and what the wiring adds, which wins.
func brokerEntries(cfg *Config) []configEntry {
	all := make(map[string]configEntry)
	put := func(name, value string, kind kmsg.ConfigType, source kmsg.ConfigSource) {
		all[name] = configEntry{
			name: name, value: value, kind: kind, source: source, readOnly: true,
			synonyms: []configEntry{{name: name, value: value, source: source}},
		}
	}
	for i := range topicConfigTable {
		if t := &topicConfigTable[i]; t.broker != "" {
			put(t.broker, t.value, t.kind, kmsg.ConfigSourceDefaultConfig)
		}
	}
	static := kmsg.ConfigSourceStaticBrokerConfig
	node := strconv.Itoa(int(cfg.NodeID))
	put("broker.id", node, kmsg.ConfigTypeInt, static)
	put("node.id", node, kmsg.ConfigTypeInt, static)
	put("auto.create.topics.enable", strconv.FormatBool(!cfg.DisableAutoCreate), kmsg.ConfigTypeBoolean, static)
	put("num.partitions", strconv.Itoa(int(cfg.DefaultPartitions)), kmsg.ConfigTypeInt, static)
	put("default.replication.factor", strconv.Itoa(int(cfg.DefaultReplication)), kmsg.ConfigTypeInt, static)
	put("fetch.max.bytes", strconv.Itoa(cfg.Limits.FetchBytes), kmsg.ConfigTypeInt, static)
	put("max.incremental.fetch.session.cache.slots", strconv.Itoa(cfg.Limits.FetchSessions), kmsg.ConfigTypeInt, static)
	put("socket.request.max.bytes", strconv.Itoa(cfg.Limits.ProduceBytes), kmsg.ConfigTypeInt, static)
	put("connections.max.idle.ms", strconv.FormatInt(cfg.Limits.Idle.Milliseconds(), 10), kmsg.ConfigTypeLong, static)
	put("max.connections", strconv.Itoa(cfg.Limits.Connections), kmsg.ConfigTypeInt, static)
	put("max.connections.per.ip", strconv.Itoa(cfg.Limits.ConnectionsPerAddress), kmsg.ConfigTypeInt, static)
	for name, value := range cfg.BrokerConfigs {
		kind := kmsg.ConfigTypeString
		if known, ok := all[name]; ok {
			kind = known.kind
		}
		put(name, value, kind, static)
	}
	entries := make([]configEntry, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		entries = append(entries, all[name])
	}
	return entries
}

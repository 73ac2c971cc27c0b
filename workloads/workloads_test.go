package workloads

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/workloads/load"
)

func TestBuiltIn(t *testing.T) {
	require.Equal(t, []string{
		"automq-scale", "automq-tail-1024", "automq-tail-1100", "automq-tail-2200", "automq-tail-500",
		"catchup-2gib", "catchup-cache", "catchup-live", "catchup-tier", "closed-1k", "closed-4k", "cold-blocks", "quick-catchup", "quick-tail",
		"tail-10k", "tail-20mib", "tail-2k", "tail-linger",
	}, Names())
	for _, name := range Names() {
		w, err := Open(name)
		require.NoError(t, err)
		require.Equal(t, name, w.Name, "a workload is named like its file")
		require.True(t, w.Verify)
	}
	w, err := Open("catchup-2gib")
	require.NoError(t, err)
	require.Equal(t, int64(2<<30), w.Backlog())
	w, err = Open("cold-blocks")
	require.NoError(t, err)
	require.True(t, w.ColdCaches)
	require.Equal(t, 15*time.Second, w.ColdFetches())
	require.Zero(t, w.Duration())
	w, err = Open("closed-1k")
	require.NoError(t, err)
	require.Equal(t, 30*time.Second, w.Duration())
	c, err := w.Load()
	require.NoError(t, err)
	require.Equal(t, 1, c.Groups[0].Consumers)
}

const good = "name: x\npartitionsPerTopic: 1\nproducersPerTopic: 1\nmessageSize: 100\nproducerRate: 5\ntestDurationMinutes: 1\n"

func TestParseRefuses(t *testing.T) {
	_, err := Parse([]byte(good))
	require.NoError(t, err)
	_, err = Parse([]byte(good + "phases: [{at: 1s, do: kill9, for: 5s}, {at: 5s, do: catch-up, for: 1s}]\n"))
	require.ErrorContains(t, err, "phase 2 begins at: 5s, before 6s")
	_, err = Parse([]byte(strings.Replace(good, "producerRate: 5", "closed: true", 1) + "fillGB: 1\nphases: [{at: 1s, do: kill9, for: 5s}]\n"))
	require.ErrorContains(t, err, "fillGB is what is there before a load by a schedule")
	require.ErrorContains(t, err, "phases disturb a load that goes on by a schedule")
	for add, want := range map[string]string{
		"partitons: 3":                                 "field partitons not found",
		"phases: [{at: 5s, do: nap, for: 5s}]":         "does \"nap\", want one of catch-up, kill9, compact",
		"phases: [{at: 5, do: kill9, for: 5s}]":        "cannot unmarshal",
		"phases: [{at: 50s, do: kill9, for: 11s}]":     "may end at 1m1s, but testDurationMinutes is 1m0s",
		"phases: [{at: -1s, do: kill9}]":               "phase 1 lasts for: 0s",
		"phases: [{at: 1s, do: kill9, for: 2s, x: 1}]": "field x not found",
		"fillGB: -1":                  "fillGB is -1",
		"keyDistributor: RANDOM":      "keyDistributor is \"RANDOM\"",
		"closed: true":                "a closed loop has no producerRate",
		"consumerBacklogSizeGB: 1":    "needs a consumer to read it back",
		"backlogDrainRatio: 1.5":      "backlogDrainRatio is 1.5",
		"coldCaches: true":            "coldCaches needs a consumerBacklogSizeGB",
		"coldFetchRate: 5":            "coldFetchRate needs a consumerBacklogSizeGB",
		"coldFetchMinutes: 5":         "belong together",
		"coldFetchClients: 0":         "coldFetchClients",
		"topics: many":                "cannot unmarshal",
		"lingerMs: -1":                "lingerMs",
		"subscriptionsPerTopic: -1":   "subscriptionsPerTopic is -1",
		"version: 2":                  "version is 2",
		"logIntervalMillis: 1":        "logIntervalMillis is 1",
		"codec: brotli":               "codec is \"brotli\"",
		"clients: 2":                  "clients is 2, want 1 to 1",
		"useRandomizedPayloads: true": "randomizedPayloadPoolSize is 0",
		"randomBytesRatio: 2\nuseRandomizedPayloads: true\nrandomizedPayloadPoolSize: 1": "the random share of payloads is 2",
		"partitionsPerTopicList: [1, 2]":        "partitionsPerTopicList has 2 numbers",
		"producersPerTopicList: [0]":            "producersPerTopicList is 0",
		"producerRateList: [[1]]":               "wants [minute, rate]",
		"producerRateList: [[1, 2], [1, 2, 3]]": "in every one",
		"producerRateList: [[1, -2]]":           "producerRateList holds -2",
		"producerRateList: [[1, 2], [1, 3]]":    "not later than the one before",
		"producerRateList: [[24, 0, 5]]":        "time of the day",
		"topicGroups: [{topics: 1}]":            "take them out beside it",
		"stickyBytes: -1":                       "sticky bytes is -1",
		"batchBytes: 3":                         "batch bytes is 3",
		"name: y":                               "already defined",
		"warmupDurationMinutes: .inf":           "warmupDurationMinutes",
		"]":                                     "workload:",
	} {
		_, err := Parse([]byte(good + add + "\n"))
		require.ErrorContains(t, err, want, add)
	}
	_, err = Parse([]byte("name: x"))
	for _, key := range []string{"partitionsPerTopic", "producersPerTopic", "testDurationMinutes"} {
		require.ErrorContains(t, err, key, "every fault is reported")
	}
	_, err = Parse([]byte(strings.Repeat("#", maxFile+1)))
	require.ErrorContains(t, err, "at most")
}

func TestOpenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(path, []byte(good), 0o644))
	w, err := Open(path)
	require.NoError(t, err)
	require.Equal(t, []byte(good), w.Source())
	_, err = Open("no-such")
	require.ErrorContains(t, err, "built-in ones are")
	_, err = Open(t.TempDir())
	require.Error(t, err)
}

// TestKeysOfOthers: workloads as OpenMessaging Benchmark and AutoMQ's fork have
// them, unchanged.
func TestKeysOfOthers(t *testing.T) {
	w, err := Parse([]byte(`
name: 1 topic / 3 partitions / json / 3 producers
topics: 1
partitionsPerTopic: 3
messageSize: 94
useRandomizedPayloads: false
randomBytesRatio: 0.5
randomizedPayloadPoolSize: 0
keyDistributor: "KEY_ROUND_ROBIN"
subscriptionsPerTopic: 2
consumerPerSubscription: 2
producersPerTopic: 3
producerRate: 50
consumerBacklogSizeGB: 0
testDurationMinutes: 2
logIntervalMillis: 1000
randomTopicNames: false
`))
	require.NoError(t, err)
	require.Equal(t, "1-topic-3-partitions-json-3-producers", w.Slug())
	require.Equal(t, time.Second, w.LogInterval())
	require.Equal(t, time.Minute, w.WarmUp())
	c, err := w.Load()
	require.NoError(t, err)
	require.Equal(t, []load.Group{{
		Partitions: []int{3}, Producers: []int{3}, Subscriptions: 2, Consumers: 2, ValueSize: 94, Keys: load.KeyRoundRobin, Rate: 50,
	}}, c.Groups)
}

func TestTopicGroups(t *testing.T) {
	w, err := Parse([]byte(`
name: massive
version: 1
testDurationMinutes: 10
topicGroups:
  - groupName: "main-1"
    topics: 2
    partitionsPerTopicList: [2, 7]
    messageSize: 1024
    subscriptionsPerTopic: 2
    consumerPerSubscription: 2
    producersPerTopic: 2
    producerRateList:
      - [ 16, 0,  50 ]
      - [ 17, 30, 90 ]
  - topics: 1
    partitionsPerTopic: 4
    messageSize: 100
    producersPerTopicList: [3]
    producerRate: 100
`))
	require.NoError(t, err)
	c, err := w.Load()
	require.NoError(t, err)
	require.Equal(t, []load.Group{
		{Name: "main-1", Partitions: []int{2, 7}, Producers: []int{2, 2}, Subscriptions: 2, Consumers: 2, ValueSize: 1024, Curve: load.Curve{
			Daily: true, Points: []load.RatePoint{{At: 16 * time.Hour, Rate: 50}, {At: 17*time.Hour + 30*time.Minute, Rate: 90}},
		}},
		{Name: "group-1", Partitions: []int{4}, Producers: []int{3}, Subscriptions: 1, Consumers: -1, ValueSize: 100, Rate: 100},
	}, c.Groups)
	_, err = Parse([]byte("name: x\ntestDurationMinutes: 1\nconsumerBacklogSizeGB: 1\ntopicGroups: [{topics: 1, partitionsPerTopic: 1, producersPerTopic: 1, messageSize: 100, producerRate: 1}]\n"))
	require.ErrorContains(t, err, "are not for topicGroups")
}

// TestPayloadFiles: beside the workload, or in the working directory; of the
// right length, or not at all.
func TestPayloadFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "w.yaml")
	write := func(name, content string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	write("w.yaml", good+"payloadFile: payload/p.data\n")
	_, err := Open(path)
	require.ErrorContains(t, err, "take the key out for pseudo-random payloads")
	write("payload/p.data", "short")
	_, err = Open(path)
	require.ErrorContains(t, err, "has 5 bytes, want messageSize, 100")
	write("payload/p.data", strings.Repeat("x", 100))
	w, err := Open(path)
	require.NoError(t, err)
	c, err := w.Load()
	require.NoError(t, err)
	require.Equal(t, []byte(strings.Repeat("x", 100)), c.Groups[0].Payload.File)

	write("w.yaml", good+"payloadFile: p.data\n")
	write("elsewhere/p.data", strings.Repeat("y", 100))
	t.Chdir(filepath.Join(dir, "elsewhere"))
	w, err = Open(path)
	require.NoError(t, err)
	c, err = w.Load()
	require.NoError(t, err)
	require.Equal(t, byte('y'), c.Groups[0].Payload.File[0])

	write("w.yaml", good+"payloadFile: none.data\nuseRandomizedPayloads: true\nrandomBytesRatio: 0.5\nrandomizedPayloadPoolSize: 10\n")
	w, err = Open(path)
	require.NoError(t, err, "random payloads come first, as they do there")
	c, err = w.Load()
	require.NoError(t, err)
	require.Equal(t, load.Payload{Pool: 10, RandomRatio: 0.5}, c.Groups[0].Payload)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	for _, n := range Names() {
		b, err := files.ReadFile(n + ".yaml")
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte(good + "producerRateList: [[0, 5], [1, .nan]]\n"))
	f.Add([]byte("name: x\ntestDurationMinutes: 1\ntopicGroups: [{topics: 2, partitionsPerTopicList: [1, 2], producersPerTopic: 1, messageSize: 40, producerRate: 1}]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := Parse(b)
		if err == nil {
			if err := w.Validate(); err != nil {
				t.Fatalf("parsed, but not valid: %v", err)
			}
		}
	})
}

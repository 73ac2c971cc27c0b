package target

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const someSettings = `
tide: {wal: "uring:?depth=8&block=64KiB", policy: s3fifo, accept-loss: true, memory: 2GiB}
kafka: &k
  profile: tuned
  heap: 512MiB
  jvm: -XX:+UseZGC -Dx=y
  num.io.threads: 4
  log.segment.bytes: 67108864
`

// TestSettings: a file's keys come to a row as its own do, and below them.
func TestSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.yaml")
	require.NoError(t, os.WriteFile(path, []byte(someSettings), 0o600))
	f, err := OpenSettings(path)
	require.NoError(t, err)
	require.Equal(t, []string{"kafka", "tide"}, f.Kinds())
	require.Equal(t, someSettings, string(f.Source()))

	// & ends a key in a row, not in a file: the same Spec from both.
	same, err := ParseSpec("tide?wal=uring:?depth=8%26block=64KiB&policy=s3fifo&accept-loss=true&memory=2GiB")
	require.NoError(t, err)
	got, err := f.Parse("tide")
	require.NoError(t, err)
	require.Equal(t, same.Flags, got.Flags)
	require.Equal(t, same.Keys, got.Keys)
	require.Equal(t, "tide", got.Text, "the row as it was given")
	require.Equal(t, "tide+f", got.Name(), "and as results call it")

	got, err = f.Parse("kafka?heap=1GiB&num.io.threads=2")
	require.NoError(t, err)
	r, err := got.rival()
	require.NoError(t, err)
	require.Equal(t, "kafka+f?heap=1GiB&num.io.threads=2", got.Name())
	require.Equal(t, int64(1<<30), r.Heap, "the row comes first")
	require.Equal(t, "tuned", r.Profile)
	require.Equal(t, []string{"-XX:+UseZGC", "-Dx=y"}, r.JVM)
	require.Equal(t, []string{"log.segment.bytes=67108864", "num.io.threads=2"}, r.Set)

	var none *Settings
	got, err = none.Parse("kafka")
	require.NoError(t, err)
	require.Empty(t, got.Keys)
	got, err = f.Parse("kafka-tiered")
	require.NoError(t, err)
	require.Empty(t, got.Keys, "it is another kind")
	require.Equal(t, "kafka-tiered", got.Name())
	got, err = f.Parse("10.0.0.1:9092")
	require.NoError(t, err)
	require.Equal(t, "10.0.0.1:9092", got.Address)
}

// TestSettingsName: two files make two names, and a copy makes that of its file.
func TestSettingsName(t *testing.T) {
	for path, want := range map[string]string{
		"/a/zgc.yaml": "zgc", "g1.yml": "g1", "target-config-zgc.yaml": "zgc", "a b?,&c.yaml": "a-b-c", "???.yaml": "file", "v1.2.yaml": "v1.2",
		strings.Repeat("x", 100) + ".yaml": strings.Repeat("x", 40),
	} {
		require.Equal(t, want, settingsName(path), path)
		require.Equal(t, want, settingsName((&Settings{name: want}).CopyName()), "the same from a copy")
	}
	f := &Settings{name: "f", rows: map[string]map[string]string{"kafka": {"heap": "1GiB"}}}
	got, err := f.Parse("kafka?heap=2GiB")
	require.NoError(t, err)
	require.Equal(t, "kafka?heap=2GiB", got.Name(), "the file had nothing to add")
}

func TestSettingsAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"tide: [a]":                        "line 1: tide: want key: value",
		"tide: {policy: [lru]}":            "line 1: tide: policy: want one value",
		"tide: {policy: }":                 "tide: policy: want one value",
		"tide: {policy: ''}":               "tide: policy: want one value",
		"kafka: {num.io.threads: null}":    "kafka: num.io.threads: want one value",
		"tide: {a: 1}\n---\nkafka: {b: 1}": "want one document",
		"10.0.0.1:9092: {heap: 1GiB}":      "want kafka, kafka-tiered, null, tide",
		"tide: {a: 1}\ntide: {b: 1}":       "line 2: the file: tide is given twice",
		"kafka: {jvm: {a: b}}":             "kafka: jvm: want one value",
		"{" + strings.Repeat("[", 20_000):  "yaml",
	} {
		_, err := readSettings([]byte(text))
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "\n")
	}
	f, err := readSettings([]byte("null: {log-cache: 064MiB}"))
	require.NoError(t, err)
	spec, err := f.Parse("null")
	require.NoError(t, err)
	require.Equal(t, "064MiB", spec.Flags["log-cache"], "as it is written")
	f, err = readSettings(nil)
	require.NoError(t, err, "an empty file has none")
	require.Empty(t, f.Kinds())
	_, err = OpenSettings(filepath.Join(t.TempDir(), "none.yaml"))
	require.ErrorContains(t, err, "none.yaml")
	large := filepath.Join(t.TempDir(), "large.yaml")
	require.NoError(t, os.WriteFile(large, []byte(strings.Repeat("#", maxSettings+1)), 0o600))
	_, err = OpenSettings(large)
	require.ErrorContains(t, err, large+": too large: want at most 1 MiB: make it smaller")

	f, err = readSettings([]byte("kafka: {heap: 1MiB}"))
	require.NoError(t, err)
	_, err = f.Parse("kafka?profile=tuned")
	require.ErrorContains(t, err, "heap: 1MiB: want 256MiB to")
	require.ErrorContains(t, err, "with the target configuration's settings of kafka")
}

// TestProperties: settings of Kafka's own, in a row.
func TestProperties(t *testing.T) {
	s, err := ParseSpec("kafka-tiered?num.network.threads=4&rsm.config.fetch.threads=8&remote.log.reader.threads=32")
	require.NoError(t, err)
	k := &kafka{dir: "/d"}
	r, err := s.rival()
	require.NoError(t, err)
	require.NoError(t, k.configure(r, 0, nil))
	line := strings.Join(k.args, " ")
	require.Contains(t, line, "--set num.network.threads=4 --set remote.log.reader.threads=32 --set rsm.config.fetch.threads=8")
	require.Equal(t, "1GiB", k.Describe()["kafka.jvm.heap"])

	for text, want := range map[string]string{
		"kafka?log.flush.interval.messages=1":     "say flush=1",
		"kafka?listeners=a":                       "listeners cannot be given",
		"kafka?log.dirs=/x":                       "it is set by the benchmark itself",
		"kafka-tiered?log.segment.bytes=1048576":  "say segment=",
		"kafka-tiered?rsm.config.cache.bytes=1":   "say cache=",
		"kafka?rsm.config.fetch.threads=8":        "kafka has no tier: say kafka-tiered",
		"kafka?rlmm.config.a.b=8":                 "kafka has no tier: say kafka-tiered",
		"kafka?zzz.zzz=1":                         "nearest is unstable.feature",
		"kafka?aaa.aaa=1":                         "nearest is add.partitions",
		`kafka?num.io.threads=a\b`:                "want one line without a backslash",
		"kafka?log.flush.interval.ms=100":         "say flush=1",
		"kafka?log.flush.scheduler.interval.ms=1": "say flush=1",
		"kafka?jvm=-Xmx2g":                        "say heap=",
		"kafka?jvm=-Dx=y -XX:MaxHeapSize=4g":      "jvm: -XX:MaxHeapSize=4g: say heap=",
		"kafka?jvm=-XX:VMOptionsFile=/x":          "say heap=",
		"kafka?jvm=-cp /x":                        "want options that begin with -X or -D",
		"tide?num.io.threads=4&s3=x":              "want versitygw",
	} {
		_, err := ParseSpec(text)
		require.ErrorContains(t, err, want, text)
	}
}

// TestSettingsOfParts: what a listener, the metadata manager and the storage
// manager read by themselves is taken where it has an effect, and reaches Kafka.
func TestSettingsOfParts(t *testing.T) {
	f, err := readSettings([]byte(`kafka-tiered:
  rlmm.config.remote.log.metadata.topic.num.partitions: 3
  rlmm.config.remote.log.metadata.producer.linger.ms: 5
  rlmm.config.remote.log.metadata.common.client.request.timeout.ms: 9000
  rsm.config.chunk.bytes: 1048576
  listener.name.plaintext.num.network.threads: 7
`))
	require.NoError(t, err)
	s, err := f.Parse("kafka-tiered")
	require.NoError(t, err)
	r, err := s.rival()
	require.NoError(t, err)
	require.Equal(t, []string{
		"listener.name.plaintext.num.network.threads=7",
		"rlmm.config.remote.log.metadata.common.client.request.timeout.ms=9000",
		"rlmm.config.remote.log.metadata.producer.linger.ms=5",
		"rlmm.config.remote.log.metadata.topic.num.partitions=3",
		"rsm.config.chunk.bytes=1048576",
	}, r.Set)
	_, err = ParseSpec("kafka-tiered?rsm=local&rsm.config.delete.enable=false&listener.name.controller.max.connections=9")
	require.NoError(t, err)

	const metadata = "rlmm.config.remote.log.metadata."
	for setting, want := range map[string]string{
		metadata + "topic.replication.factor=3":            "cannot be given: there is one node",
		metadata + "topic.min.isr=2":                       "cannot be given: there is one node",
		metadata + "common.client.bootstrap.servers=a:1":   "cannot be given: it is set by the benchmark itself",
		metadata + "producer.acks=1":                       "cannot be given: the metadata manager sets it itself",
		metadata + "topic.num.partition=3":                 "by name the nearest is " + metadata + "topic.num.partitions",
		metadata + "consumer.linger.ms=3":                  "not among the settings of the metadata manager",
		"rsm.config.s3.bucket=b":                           "cannot be given: say s3= or store=",
		"rsm.config.dir=/x":                                "cannot be given: it is set by the benchmark itself",
		"rsm.config.chunk.byte=1":                          "by name the nearest is rsm.config.chunk.bytes",
		"rsm.config.delete.enable=true":                    "the plug-in of scripts/kafka/rsm (rsm=s3) has no such setting",
		"rsm=local&rsm.config.chunk.bytes=1":               "LocalTieredStorage (rsm=local) has no such setting",
		"rsm=local&cache=0":                                "cache: LocalTieredStorage (rsm=local) has no such setting",
		"listener.name.plaintext.ssl.keystore.location=/x": "without TLS and SASL",
		"listener.name.outside.num.network.threads=7":      "the listeners are plaintext and controller",
		"listener.name.plaintext.num.network.thread=7":     "by name the nearest is listener.name.plaintext.num.network.threads",
	} {
		_, err := ParseSpec("kafka-tiered?" + setting)
		require.ErrorContains(t, err, want, setting)
	}
	for _, list := range [][]string{listenerSettings, strings.Fields(metadataSettings), pluginSettings, localSettings, storageSettings} {
		require.True(t, slices.IsSorted(list), "they are searched by halves: %v", list)
	}
}

// FuzzSettings: a file is taken or refused, and so is what comes of it.
func FuzzSettings(f *testing.F) {
	f.Add([]byte(someSettings))
	f.Add([]byte("tide: &a {wal: *b}\nnull: *a"))
	f.Fuzz(func(t *testing.T, source []byte) {
		s, err := readSettings(source)
		if err != nil {
			return
		}
		for _, kind := range s.Kinds() {
			if spec, err := s.Parse(kind); err == nil {
				require.Equal(t, kind, spec.Text)
			}
		}
	})
}

package itest

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rivalWorkloads are as small as the segments of Kafka allow.
var rivalWorkloads = map[string]string{
	"tail.yaml": `{name: tail, partitionsPerTopic: 2, messageSize: 1024, producersPerTopic: 1, subscriptionsPerTopic: 1,
		consumerPerSubscription: 1, closed: true, testDurationMinutes: 0.02, warmupDurationMinutes: 0, verify: true}`,
	"backlog.yaml": `{name: backlog, partitionsPerTopic: 2, messageSize: 4096, producersPerTopic: 1, subscriptionsPerTopic: 1,
		consumerPerSubscription: 1, closed: true, consumerBacklogSizeGB: 0.03125, warmupDurationMinutes: 0, coldCaches: true}`,
}

// rivalRun is what run.json says that these tests want.
type rivalRun struct {
	Target       string
	Verification struct{ Records, Expected int64 }
	Verdict      struct{ Word string }
	Durability   struct {
		Flush    string
		PowerCut string `json:"power_cut"`
	}
	Config    map[string]string
	Counters  map[string]int64
	Simulated []string
	Figures   map[string]struct{ Value float64 }
}

// benchRival runs one workload on one target.
func benchRival(t *testing.T, workload, on string, more ...string) rivalRun {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, workload)
	require.NoError(t, os.WriteFile(file, []byte(rivalWorkloads[workload]), 0o600))
	cmd := exec.Command(*tide, append([]string{"bench", file, "--target", on, "--out", filepath.Join(dir, "runs"), "--json"}, more...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = &out, &errs, dieWithParent()
	require.NoError(t, cmd.Run(), "%s\n%s", errs.String(), out.String())
	var r rivalRun
	require.NoError(t, json.Unmarshal(out.Bytes(), &r))
	require.Equal(t, "VALID", r.Verdict.Word, out.String())
	left, err := filepath.Glob(filepath.Join(dir, "runs", ".bench-data-*"))
	require.NoError(t, err)
	require.Empty(t, left, "the data is gone with its target")
	return r
}

// TestKafkaUnderLoad: Apache Kafka that flushes every batch takes the load, and
// every record is there.
func TestKafkaUnderLoad(t *testing.T) {
	r := benchRival(t, "tail.yaml", "kafka?flush=1&profile=tuned&heap=512MiB&cpus=0")
	require.Positive(t, r.Verification.Expected)
	require.Equal(t, r.Verification.Expected, r.Verification.Records)
	require.Equal(t, "fsync", r.Durability.Flush)
	require.Contains(t, r.Durability.PowerCut, "loses nothing acknowledged")
	require.Equal(t, "1", r.Config["kafka.log.flush.interval.messages"])
	require.Positive(t, r.Counters["tide_process_written_bytes_total"])
	require.Positive(t, r.Figures["target CPU"].Value)
}

// TestKafkaTieredUnderLoad: with our plug-in and a real S3 server behind the
// model of S3's time, a back-log comes back out of objects.
func TestKafkaTieredUnderLoad(t *testing.T) {
	r := benchRival(t, "backlog.yaml", "kafka-tiered?model=s3-express&profile=tuned&heap=512MiB&segment=6MiB&part=5MiB")
	require.Equal(t, int64(8192), r.Verification.Records)
	require.Equal(t, "none", r.Durability.Flush)
	require.Contains(t, r.Durability.PowerCut, "loses what the page cache held")
	require.Len(t, r.Simulated, 1)
	require.Contains(t, r.Simulated[0], "s3-express")
	require.GreaterOrEqual(t, r.Counters["tide_rsm_segments_copied_total"], int64(4), "32 MiB in segments of 6 MiB, less what is never tiered")
	require.GreaterOrEqual(t, r.Counters[`tide_objstore_attempts_total{op="UploadPart"}`], int64(8))
	require.Positive(t, r.Counters["tide_rsm_prefetch_used_total"])
	require.Positive(t, r.Counters[`tide_s3proxy_requests_total{op="read"}`])
	require.Greater(t, r.Figures["catch-up from objects"].Value, 60.0)
}

// TestNoJava: what Kafka lacks is said in one line, before any load.
func TestNoJava(t *testing.T) {
	bin := t.TempDir()
	for _, tool := range []string{"bash", "env", "dirname", "mkdir", "cat", "sha256sum", "find", "sort", "id"} {
		path, err := exec.LookPath(tool)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(path, filepath.Join(bin, tool)))
	}
	cmd := exec.Command(*tide, "bench", "tail-2k", "--target", "kafka", "--out", t.TempDir())
	cmd.Env = []string{"PATH=" + bin}
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "missing: default-jdk-headless maven; no apt-get here, install them by hand")
	require.NotContains(t, string(out), "starting the target")
}

// jshell runs lines of Java on Kafka's jars and gives what they print.
func jshell(t *testing.T, lines string) string {
	t.Helper()
	at, err := filepath.Abs("../bin/deps/kafka/libs")
	require.NoError(t, err)
	libs, err := filepath.Glob(filepath.Join(at, "*.jar"))
	require.NoError(t, err)
	require.NotEmpty(t, libs, "scripts/deps kafka installs them")
	cmd := exec.Command("jshell", "-s", "--class-path", strings.Join(libs, ":"), "-")
	cmd.Stdin, cmd.SysProcAttr = strings.NewReader(lines), dieWithParent()
	cmd.Dir = t.TempDir() // one of the jars opens a log file where it is
	out, err := cmd.Output()
	require.NoError(t, err)
	return string(out)
}

// TestKafkaSettings: the list by which settings of server.properties are checked
// is that of the jars.
func TestKafkaSettings(t *testing.T) {
	names := jshell(t, `for (String n : new java.util.TreeSet<String>(org.apache.kafka.server.config.AbstractKafkaConfig.CONFIG_DEF.names())) System.out.println(n);`)
	listed, err := os.ReadFile("../workloads/target/kafka_settings.txt")
	require.NoError(t, err)
	require.Equal(t, names, string(listed))
}

// TestMetadataManagerSettings: what is taken for the metadata manager of a tier,
// and for its clients, has a meaning to them.
func TestMetadataManagerSettings(t *testing.T) {
	names := jshell(t, `
var of = org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManagerConfig.class.getDeclaredField("CONFIG");
of.setAccessible(true);
for (String n : ((org.apache.kafka.common.config.ConfigDef) of.get(null)).names()) System.out.println("own " + n);
for (String n : org.apache.kafka.clients.admin.AdminClientConfig.configNames()) System.out.println("admin " + n);
for (String n : org.apache.kafka.clients.consumer.ConsumerConfig.configNames()) System.out.println("consumer " + n);
for (String n : org.apache.kafka.clients.producer.ProducerConfig.configNames()) System.out.println("producer " + n);
`)
	known := map[string]bool{}
	for line := range strings.Lines(names) {
		known[strings.TrimSpace(line)] = true
	}
	require.True(t, known["own remote.log.metadata.topic.num.partitions"] && known["producer linger.ms"], "what Java printed: %s", names)

	readers := map[string][]string{
		"admin.": {"admin"}, "common.client.": {"admin", "consumer", "producer"}, "consumer.": {"consumer"}, "producer.": {"producer"},
	}
	listed, err := os.ReadFile("../workloads/target/rlmm_settings.txt")
	require.NoError(t, err)
	for name := range strings.FieldsSeq(string(listed)) {
		key := strings.TrimPrefix(name, "rlmm.config.remote.log.metadata.")
		by := []string{"own"}
		of := "remote.log.metadata." + key
		for prefix, clients := range readers {
			if rest, found := strings.CutPrefix(key, prefix); found {
				by, of = clients, rest
			}
		}
		for _, who := range by {
			require.True(t, known[who+" "+of], "%s: %s has no %s", name, who, of)
		}
	}
}

// TestTargetConfig: what the file says has reached Kafka, and is in the result.
func TestTargetConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "targets.yaml")
	require.NoError(t, os.WriteFile(file, []byte("kafka: {heap: 512MiB, profile: tuned, jvm: -XX:+UseSerialGC, num.io.threads: 3}"), 0o600))
	r := benchRival(t, "tail.yaml", "kafka?heap=640MiB", "--target-config", file)
	require.Equal(t, "3", r.Config["kafka.num.io.threads"], "as Kafka's own file has it")
	require.Equal(t, "3", r.Config["target.num.io.threads"])
	require.Equal(t, "tuned", r.Config["target.profile"])
	require.Equal(t, "640MiB", r.Config["kafka.jvm.heap"], "the row comes first")
	require.Equal(t, "-XX:+UseSerialGC", r.Config["target.jvm"])
}

// TestKafkaServeRefuses: scripts/kafka/serve says in one line what is wrong with its
// arguments, before a JVM starts and a directory is made.
func TestKafkaServeRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	for line, want := range map[string]string{
		"":                                 "usage: scripts/kafka/serve DIR",
		"DIR --nope":                       "unknown option --nope",
		"DIR other":                        "one directory, not",
		"DIR --port abc":                   "--port abc: want a whole number from 1 to 65535",
		"DIR --port 65535":                 "--controller 65536: want a whole number",
		"DIR --controller 9092":            "it is the port of clients, too",
		"DIR --port " + port:               "port " + port + " of 127.0.0.1 is taken: give another with --port",
		"DIR --heap 10q":                   "--heap 10q: want a size",
		"DIR --profile best":               "--profile best: want stock or tuned",
		"DIR --set x":                      "--set wants KEY=VALUE",
		"DIR --tiered foo":                 "want local or an s3:// URL",
		"DIR --segment 1048576":            "--segment goes with --tiered",
		"DIR --tiered local --cache 0":     "--cache: LocalTieredStorage (--tiered local) has no such setting",
		"DIR --tiered local --segment 1":   "--segment 1: want a whole number from 1048576",
		"DIR --tiered s3://b?endpoint=x&y": "the plug-in has no y",
	} {
		dir := filepath.Join(t.TempDir(), "data")
		cmd := exec.Command("../scripts/kafka/serve", strings.Fields(strings.ReplaceAll(line, "DIR", dir))...)
		cmd.SysProcAttr = dieWithParent()
		out, err := cmd.CombinedOutput()
		require.Error(t, err, line)
		require.Contains(t, string(out), "kafka: ", line)
		require.Contains(t, string(out), want, line)
		require.Equal(t, 1, strings.Count(string(out), "\n"), "%s: %s", line, out)
		require.NoDirExists(t, dir, line)
	}
	help, err := exec.Command("../scripts/kafka/serve", "--help").Output()
	require.NoError(t, err)
	require.Contains(t, string(help), "--tiered local")
}

// TestKafkaServeKeepsOut: a directory that a Kafka serves out of is not touched
// by a second one, not even its configuration.
func TestKafkaServeKeepsOut(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "server.properties")
	require.NoError(t, os.WriteFile(config, []byte("of the first"), 0o600))
	ports := make([]string, 2)
	for i := range ports {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		_, ports[i], err = net.SplitHostPort(free.Addr().String())
		require.NoError(t, err)
		require.NoError(t, free.Close())
	}
	cmd := exec.Command("flock", filepath.Join(dir, "serve.lock"), "../scripts/kafka/serve", dir, "--port", ports[0], "--controller", ports[1])
	cmd.SysProcAttr = dieWithParent()
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Equal(t, "kafka: "+dir+": another Kafka serves out of it\n", string(out))
	kept, err := os.ReadFile(config)
	require.NoError(t, err)
	require.Equal(t, "of the first", string(kept))
}

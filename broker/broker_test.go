package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/wal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// small is a configuration for tests: free ports, a small WAL, small caches.
func small(t *testing.T) Config {
	data := t.TempDir()
	return Config{
		Data: data, Listen: "127.0.0.1:0", Admin: "127.0.0.1:0",
		WAL:      "pwrite:" + filepath.Join(data, "wal") + "?capacity=16MiB",
		LogCache: 8 << 20, BlockCache: 4 << 20, UploadThreshold: 1 << 20, UploadInterval: time.Hour,
		Logger: quiet,
	}
}

// running is a broker that serves until stop.
type running struct {
	*Broker
	stop func() error
}

func start(t *testing.T, cfg Config) *running {
	b, err := Open(context.Background(), cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- b.Serve(ctx) }()
	return &running{b, func() error { cancel(); return <-served }}
}

func (r *running) client(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(r.KafkaAddr()), kgo.AllowAutoTopicCreation(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	}, opts...)...)
	require.NoError(t, err)
	return cl
}

// consume reads n records of a topic.
func (r *running) consume(t *testing.T, topic string, n int) []*kgo.Record {
	cl := r.client(t, kgo.ConsumeTopics(topic))
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n {
		fs := cl.PollFetches(ctx)
		require.NoError(t, fs.Err())
		out = append(out, fs.Records()...)
	}
	return out
}

func (r *running) produce(t *testing.T, topic string, from, to int, opts ...kgo.Opt) {
	cl := r.client(t, opts...)
	defer cl.Close()
	var rs []*kgo.Record
	for i := from; i < to; i++ {
		rs = append(rs, &kgo.Record{
			Topic: topic, Key: fmt.Append(nil, "k", i), Value: fmt.Append(nil, "value ", i, strings.Repeat(".", 500)),
			Headers: []kgo.RecordHeader{{Key: "n", Value: fmt.Append(nil, i)}},
		})
	}
	require.NoError(t, cl.ProduceSync(context.Background(), rs...).FirstErr())
}

func TestProduceRestartConsume(t *testing.T) {
	cfg := small(t)
	for life := range 3 {
		b := start(t, cfg)
		b.produce(t, "events", life*1000, life*1000+1000)
		for i, r := range b.consume(t, "events", life*1000+1000) {
			require.EqualValues(t, i, r.Offset)
			require.Equal(t, fmt.Sprint("k", i), string(r.Key))
			require.Equal(t, fmt.Sprint(i), string(r.Headers[0].Value))
		}
		require.NoError(t, b.stop())
	}
}

func TestAdminPort(t *testing.T) {
	b := start(t, small(t))
	defer func() { require.NoError(t, b.stop()) }()
	b.produce(t, "events", 0, 5000) // more than two uploads of 1 MiB
	url := "http://" + b.AdminAddr()
	get := func(path string) string {
		res, err := http.Get(url + path)
		require.NoError(t, err)
		defer res.Body.Close()
		require.Equal(t, http.StatusOK, res.StatusCode)
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return string(text)
	}
	defer http.DefaultClient.CloseIdleConnections()
	require.Contains(t, get("/"), "events-0")
	metrics := get("/metrics")
	require.Contains(t, metrics, "tide_stream_append_bytes_total")
	require.Contains(t, metrics, `tide_objstore_requests_total{op="put"}`)
	require.Contains(t, get("/debug/pprof/goroutine?debug=1"), "goroutine profile")
	var streams []streamInfo
	require.NoError(t, json.Unmarshal([]byte(get("/streams")), &streams))
	var events streamInfo
	for _, s := range streams {
		if s.Topic == "events" {
			events = s
		}
	}
	require.EqualValues(t, 5000, events.End)
	res, err := http.Post(url+"/logcache/drop", "", nil)
	require.NoError(t, err)
	defer res.Body.Close()
	var dropped map[string]int64
	require.NoError(t, json.NewDecoder(res.Body).Decode(&dropped))
	before := b.engine.Stats().ObjectRecords
	require.Len(t, b.consume(t, "events", 5000), 5000)
	if dropped["dropped_bytes"] > 0 {
		require.Greater(t, b.engine.Stats().ObjectRecords, before, "what was dropped comes from objects")
	}
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"wal scheme", func(c *Config) { c.WAL = "floppy:/x" }, `scheme "floppy"`},
		{"wal key", func(c *Config) { c.WAL += "&speed=9" }, "key speed"},
		{"store scheme", func(c *Config) { c.Store = "gs://bucket" }, "unknown scheme"},
		{"store endpoint", func(c *Config) { c.Store = "s3://bucket?endpoint=localhost" }, "want http://HOST:PORT"},
		{"store part", func(c *Config) { c.Store = "s3://bucket?part=1MiB" }, "from 5 MiB"},
		{"store model", func(c *Config) { c.Store = "mem:?model=s4" }, "want s3-standard"},
		{"upload part", func(c *Config) { c.UploadPart = 1 }, "from 5 MiB"},
		{"policy", func(c *Config) { c.Policy = "magic" }, "--policy"},
		{"prefetch", func(c *Config) { c.Prefetch = "magic" }, "--prefetch"},
		{"threshold and cache", func(c *Config) { c.UploadThreshold = 5 << 20 }, "half of the log cache"},
		{"threshold and wal", func(c *Config) { c.LogCache, c.UploadThreshold = 32<<20, 9<<20 }, "half of the WAL"},
		{"address", func(c *Config) { c.Advertise = "nowhere" }, "--advertise"},
		{"advertised port", func(c *Config) { c.Advertise = "host:0" }, "clients can connect to"},
		{"wildcard", func(c *Config) { c.Listen = "0.0.0.0:0" }, "--advertise HOST:PORT"},
		{"object block", func(c *Config) { c.ObjectBlock = 1 }, "object block"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := small(t)
			tc.change(&cfg)
			_, err := Open(context.Background(), cfg)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestStoreWithoutAPath(t *testing.T) {
	for text, want := range map[string]string{
		"": "dir:D/objects", "dir:": "dir:D/objects", "dir:?rate=20MiB/s": "dir:D/objects?rate=20MiB/s", "dir:X?rate=1": "dir:X?rate=1", "mem:": "mem:",
		"dir": "dir",
	} {
		require.Equal(t, want, Config{Data: "D", Store: text}.withDefaults().Store, text)
	}
}

// TestForeignFile: a path that already holds something else is not a WAL.
func TestForeignFile(t *testing.T) {
	cfg := small(t)
	precious := filepath.Join(t.TempDir(), "precious")
	cfg.WAL = "pwrite:" + precious
	content := append(make([]byte, 100_000), "photographs"...)
	content = append(content, make([]byte, 16<<20-len(content))...)
	require.NoError(t, os.WriteFile(precious, content, 0o600))
	_, err := Open(context.Background(), cfg)
	require.ErrorIs(t, err, wal.ErrForeign)
	require.ErrorContains(t, err, "--discard-wal")
	after, err := os.ReadFile(precious)
	require.NoError(t, err)
	require.Equal(t, content, after)
}

// TestOffsetsOfARecreatedTopicSurvive: a restart repeats the old deletion to
// whoever watches the metadata, and the name belongs to another topic by then.
func TestOffsetsOfARecreatedTopicSurvive(t *testing.T) {
	cfg := small(t)
	b := start(t, cfg)
	b.produce(t, "events", 0, 10)
	id, _ := b.replica.Topic("events")
	_, err := b.replica.Propose(context.Background(), meta.DeleteTopic{ID: id.ID})
	require.NoError(t, err)
	b.produce(t, "events", 0, 10)
	cl := b.client(t, kgo.ConsumeTopics("events"), kgo.ConsumerGroup("g"), kgo.DisableAutoCommit())
	fetches := cl.PollRecords(context.Background(), 10)
	require.NoError(t, fetches.Err())
	require.NoError(t, cl.CommitRecords(context.Background(), fetches.Records()...))
	want := fetches.NumRecords()
	cl.Close()
	for range 2 {
		require.NoError(t, b.stop())
		b = start(t, cfg)
		admin := b.client(t)
		req := kmsg.NewPtrOffsetFetchRequest()
		req.Group = "g"
		req.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: "events", Partitions: []int32{0}}}
		req.Groups = []kmsg.OffsetFetchRequestGroup{{Group: "g", Topics: []kmsg.OffsetFetchRequestGroupTopic{{Topic: "events", TopicID: topicID(b, "events"), Partitions: []int32{0}}}}}
		resp, err := req.RequestWith(context.Background(), admin)
		require.NoError(t, err)
		require.EqualValues(t, want, resp.Groups[0].Topics[0].Partitions[0].Offset)
		admin.Close()
	}
	require.NoError(t, b.stop())
}

func topicID(b *running, name string) [16]byte {
	t, _ := b.replica.Topic(name)
	return t.ID
}

func TestPortTaken(t *testing.T) {
	cfg := small(t)
	b := start(t, cfg)
	defer func() { require.NoError(t, b.stop()) }()
	cfg.Listen = b.KafkaAddr()
	_, err := Open(context.Background(), cfg)
	require.ErrorContains(t, err, "--listen")
}

func TestTwoBrokersOnOneDirectory(t *testing.T) {
	cfg := small(t)
	b := start(t, cfg)
	defer func() { require.NoError(t, b.stop()) }()
	_, err := Open(context.Background(), cfg)
	require.ErrorContains(t, err, "in use")
}

// TestSimulatedStore: a broker on a modelled store works, counts the attempts
// of the model, and says that it is simulated wherever it speaks.
func TestSimulatedStore(t *testing.T) {
	cfg := small(t)
	cfg.Store = "mem:?model=s3-express&seed=1"
	r := start(t, cfg)
	cl := r.client(t)
	require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Value: []byte("x")}).FirstErr())
	cl.Close()
	for _, page := range []string{"/metrics", "/"} {
		resp, err := http.Get("http://" + r.AdminAddr() + page)
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Contains(t, string(text), "s3-express (guesses")
		if page == "/metrics" {
			require.Contains(t, string(text), `tide_objstore_attempts_total{op="part"} 0`)
			require.Contains(t, string(text), `tide_objstore_in_flight{side="read"} 0`)
		}
	}
	require.NoError(t, r.stop())
}

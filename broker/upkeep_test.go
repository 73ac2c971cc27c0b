package broker

import (
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidelog/tide/broker/meta"
)

// post asks the admin port and returns the numbers it answers.
func (r *running) post(t *testing.T, path string) map[string]int64 {
	defer http.DefaultClient.CloseIdleConnections()
	res, err := http.Post("http://"+r.AdminAddr()+path, "", nil)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	var out map[string]int64
	require.NoError(t, json.NewDecoder(res.Body).Decode(&out))
	return out
}

// files is how many objects the dir store holds, and their bytes.
func files(t *testing.T, cfg Config) (n int, bytes int64) {
	err := filepath.WalkDir(filepath.Join(cfg.Data, "objects"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(filepath.Dir(path)) != "DEFAULT" {
			return ignoreMissing(err)
		}
		info, err := d.Info()
		if err == nil {
			n, bytes = n+1, bytes+info.Size()
		}
		return ignoreMissing(err)
	})
	require.NoError(t, err)
	return n, bytes
}

func ignoreMissing(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// settled waits until nothing destroyed is left in the store.
func (r *running) settled() {
	for len(r.replica.Objects(meta.Destroyed)) > 0 {
		runtime.Gosched()
	}
}

// plain keeps 500 dots 500 bytes.
var plain = kgo.ProducerBatchCompression(kgo.NoCompression())

func quickUpkeep(t *testing.T) Config {
	cfg := small(t)
	cfg.DeleteGrace, cfg.CompactTarget, cfg.CompactRate = 100*time.Millisecond, 4<<20, 1<<30
	return cfg
}

// TestCompactOnDemand: what was uploaded in pieces is merged, the pieces go
// from the disk, and consumers and a restart find everything.
func TestCompactOnDemand(t *testing.T) {
	cfg := quickUpkeep(t)
	b := start(t, cfg)
	for i := range 6 {
		b.produce(t, "events", i*2000, i*2000+2000, plain)
	}
	b.produce(t, "other", 0, 100)
	require.NoError(t, b.stop()) // the rest is uploaded
	b = start(t, cfg)
	before, _ := files(t, cfg)
	require.Greater(t, before, 5)
	did := b.post(t, "/compact")
	require.EqualValues(t, before, did["objects_in"])
	require.Positive(t, did["bytes_written"])
	b.settled()
	after, _ := files(t, cfg)
	require.EqualValues(t, did["objects_out"], after)
	require.LessOrEqual(t, after, 3)
	b.post(t, "/logcache/drop")
	require.Len(t, b.consume(t, "events", 12_000), 12_000)
	require.NoError(t, b.stop())
	b = start(t, cfg)
	for i, r := range b.consume(t, "events", 12_000) {
		require.EqualValues(t, i, r.Offset)
	}
	require.Len(t, b.consume(t, "other", 100), 100)
	require.NoError(t, b.stop())
}

// TestRetentionDeletesFiles: bytes beyond retention.bytes are gone from the
// disk, the log start says so, and a consumer below it is told.
func TestRetentionDeletesFiles(t *testing.T) {
	cfg := quickUpkeep(t)
	b := start(t, cfg)
	limit := "1500000"
	cl := b.client(t)
	defer cl.Close()
	create := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "events", 1, 1
	topic.Configs = []kmsg.CreateTopicsRequestTopicConfig{{Name: "retention.bytes", Value: &limit}}
	create.Topics = append(create.Topics, topic)
	made, err := create.RequestWith(context.Background(), cl)
	require.NoError(t, err)
	require.Zero(t, made.Topics[0].ErrorCode)
	for i := range 5 {
		b.produce(t, "events", i*2000, i*2000+2000, plain)
	}
	require.NoError(t, b.stop())
	b = start(t, cfg)
	before, was := files(t, cfg)
	did := b.post(t, "/retention")
	require.EqualValues(t, 1, did["partitions"])
	b.settled()
	after, is := files(t, cfg)
	require.Less(t, after, before)
	require.Less(t, is, was-did["trimmed_bytes"]/2)
	require.Zero(t, b.post(t, "/retention")["partitions"], "once is enough")

	p, err := b.partitions.Get("events", 0)
	require.NoError(t, err)
	start := p.LogStartOffset()
	require.Positive(t, start)
	got := b.consume(t, "events", int(10_000-start))
	require.EqualValues(t, start, got[0].Offset)
	_, err = p.Fetch(context.Background(), start-1, 1<<20, true)
	require.ErrorIs(t, err, kerr.OffsetOutOfRange)
	_, err = p.DeleteRecords(context.Background(), -1)
	require.NoError(t, err)
	b.settled()
	require.EqualValues(t, 10_000, p.LogStartOffset())
	require.NoError(t, b.stop())
}

func TestUpkeepRefusals(t *testing.T) {
	cfg := small(t)
	cfg.CompactInterval, cfg.CompactRate, cfg.CompactTarget, cfg.RetentionCheck, cfg.DeleteGrace = 1, 1, 1, 1, 1
	_, err := Open(context.Background(), cfg)
	for _, want := range []string{"compact interval", "compact rate", "compact target", "retention check", "delete grace"} {
		require.ErrorContains(t, err, want)
	}
}

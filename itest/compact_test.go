package itest

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestKill9Compaction is TestKill9 with objects of a few hundred KiB that are
// merged all the time and deleted at once, so that most kills hit a merge and
// all reads go through merged objects.
func TestKill9Compaction(t *testing.T) {
	k := newKiller(t, "pwrite")
	k.more = []string{
		"--upload-threshold", "256KiB", "--upload-interval", "50ms", "--object-split", "64KiB", "--log-cache", "2MiB",
		"--compact-interval", "100ms", "--compact-target", "512KiB", "--compact-rate", "4MiB/s", "--delete-grace", "100ms",
	}
	k.during = func(p *process) func() {
		ctx, cancel := context.WithCancel(t.Context())
		var busy sync.WaitGroup
		busy.Go(func() {
			for post(ctx, p.Admin, "/compact") == nil && post(ctx, p.Admin, "/logcache/drop") == nil {
			}
		})
		busy.Go(func() { consume(ctx, t, p.Kafka) })
		return func() { cancel(); busy.Wait() }
	}
	k.run((*rounds + 1) / 2)
	require.Positive(t, k.merges, "no merge before any kill")
	require.NoError(t, post(t.Context(), k.p.Admin, "/compact"))
	require.NoError(t, post(t.Context(), k.p.Admin, "/logcache/drop"))
	k.verify(-1)
	require.Zero(t, metric(t, k.p.Admin, "tide_compact_corrupt_total"))
	objects, bytes := stored(t, k.dir)
	t.Logf("%d merges before kills; %d files of %d bytes in the end", k.merges, objects, bytes)
	k.p.stop(t)
}

// consume reads a topic from its start on, again and again, and checks that the
// offsets of each partition have no gap. It ends with ctx; that the broker goes
// away meanwhile is not its affair.
func consume(ctx context.Context, t *testing.T, addr string) {
	for ctx.Err() == nil {
		from, next := map[int32]kgo.Offset{}, map[int32]int64{}
		for p := range int32(partitions) {
			from[p] = kgo.NewOffset().At(0)
		}
		cl, err := kgo.NewClient(append(quick(addr), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topicSteady: from}))...)
		if err != nil {
			t.Error(err)
			return
		}
		for range 20 {
			cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				if r.Offset != next[r.Partition] {
					t.Errorf("%s/%d: offset %d where %d comes next", topicSteady, r.Partition, r.Offset, next[r.Partition])
				}
				next[r.Partition] = r.Offset + 1
			})
		}
		cl.Close()
	}
}

// post asks the admin port to do something; an error when it could not.
func post(ctx context.Context, admin, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+admin+path, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: clientWithin}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, resp.Status)
	}
	return nil
}

// stored is the objects of a dir store, and their bytes.
func stored(t *testing.T, dir string) (n int, bytes int64) {
	err := filepath.WalkDir(filepath.Join(dir, "objects"), func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) || err == nil && (d.IsDir() || !strings.Contains(path, "/DEFAULT/")) {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := d.Info()
		if os.IsNotExist(err) {
			return nil
		}
		n, bytes = n+1, bytes+info.Size()
		return err
	})
	require.NoError(t, err)
	return n, bytes
}

// TestRetention: retention.bytes and DeleteRecords take files away, and clients
// are told where the log begins now.
func TestRetention(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, "--delete-grace", "100ms", "--retention-check", "100ms")
	cl, err := kgo.NewClient(append(quick(p.Kafka), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.DefaultProduceTopic("logs"))...)
	require.NoError(t, err)
	defer cl.Close()
	admin := kadm.NewClient(cl)
	limit := strconv.Itoa(6 << 20)
	made, err := admin.CreateTopic(t.Context(), 1, 1, map[string]*string{"retention.bytes": &limit}, "logs")
	require.NoError(t, err)
	require.NoError(t, made.Err)
	most := int64(0)
	for range 40 { // 40 MiB
		rs := make([]*kgo.Record, 256)
		for i := range rs {
			rs[i] = &kgo.Record{Value: make([]byte, 4096)}
		}
		require.NoError(t, cl.ProduceSync(t.Context(), rs...).FirstErr())
		_, bytes := stored(t, dir)
		most = max(most, bytes)
	}
	require.Positive(t, most)
	ends, err := admin.ListEndOffsets(t.Context(), "logs")
	require.NoError(t, err)
	end, _ := ends.Lookup("logs", 0)
	require.EqualValues(t, 40*256, end.Offset)
	begins := func() int64 {
		list, err := admin.ListStartOffsets(t.Context(), "logs")
		require.NoError(t, err)
		o, _ := list.Lookup("logs", 0)
		require.NoError(t, o.Err)
		return o.Offset
	}
	eventually(t, "retention leaves what retention.bytes allows and little more", func() bool {
		_, bytes := stored(t, dir)
		return begins() > 30*256/2 && bytes < 14<<20
	})
	from := begins()
	cons, err := kgo.NewClient(append(quick(p.Kafka), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"logs": {0: kgo.NewOffset().At(0)}}),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	require.NoError(t, err)
	defer cons.Close()
	first := cons.PollFetches(t.Context()).Records()
	require.NotEmpty(t, first)
	require.GreaterOrEqual(t, first[0].Offset, from, "an offset below the log start is out of range; the client begins anew")

	gone, err := admin.DeleteRecords(t.Context(), kadm.Offsets{"logs": {0: kadm.Offset{Topic: "logs", Partition: 0, At: -1}}})
	require.NoError(t, err)
	one, _ := gone.Lookup("logs", 0)
	require.NoError(t, one.Err)
	require.EqualValues(t, 40*256, one.LowWatermark)
	eventually(t, "DeleteRecords leaves no record of the topic", func() bool {
		_, bytes := stored(t, dir)
		return bytes < 1<<20
	})
	require.EqualValues(t, 40*256, begins())
	p.stop(t)
}

// TestRetentionByTime: what is older than retention.ms goes once it is in
// objects, and a topic without delete in its cleanup.policy keeps all of it.
func TestRetentionByTime(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, "--delete-grace", "100ms", "--retention-check", "100ms", "--upload-interval", "100ms")
	cl, err := kgo.NewClient(quick(p.Kafka)...)
	require.NoError(t, err)
	defer cl.Close()
	admin := kadm.NewClient(cl)
	short, keep := "300", "compact"
	for topic, configs := range map[string]map[string]*string{
		"short": {"retention.ms": &short}, "kept": {"retention.ms": &short, "cleanup.policy": &keep}, "default": nil,
	} {
		made, err := admin.CreateTopic(t.Context(), 1, 1, configs, topic)
		require.NoError(t, err)
		require.NoError(t, made.Err)
		for range 10 {
			require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr())
		}
	}
	begins := func(topic string) int64 {
		list, err := admin.ListStartOffsets(t.Context(), topic)
		require.NoError(t, err)
		o, _ := list.Lookup(topic, 0)
		require.NoError(t, o.Err)
		return o.Offset
	}
	eventually(t, "all of it has gone", func() bool { return begins("short") == 10 })
	require.Zero(t, begins("kept"))
	require.Zero(t, begins("default"))
	refused, err := admin.DeleteRecords(t.Context(), kadm.Offsets{"kept": {0: kadm.Offset{Topic: "kept", Partition: 0, At: -1}}})
	require.NoError(t, err)
	one, _ := refused.Lookup("kept", 0)
	require.ErrorIs(t, one.Err, kerr.PolicyViolation)
	require.Zero(t, begins("kept"))
	require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "short", Value: []byte("x")}).FirstErr(), "the log goes on")
	p.stop(t)
	p = start(t, dir)
	require.NoError(t, cl.UpdateSeedBrokers(p.Kafka))
	require.GreaterOrEqual(t, begins("short"), int64(10), "and so it is after a restart")
}

// eventually asks until it is true; the broker works behind our backs, and
// tells nobody when a file has gone.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	limit := time.NewTimer(clientWithin)
	defer limit.Stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-limit.C:
			t.Fatalf("not within %v: %s", clientWithin, what)
		}
	}
}

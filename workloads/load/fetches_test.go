package load

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidelog/tide/results"
)

// filled is a load whose records lie in a Kafka of this process.
func filled(t *testing.T, records int64) (*Load, *Recorder, *kfake.Cluster, []int64) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	rec := NewRecorder()
	l, err := New(Config{
		Brokers: cluster.ListenAddrs(), Topic: "t", Topics: 2, Partitions: 3, Producers: 2, Consumers: -1,
		Closed: true, MaxRecords: records, ValueSize: 200,
	}, NewClock(), rec)
	require.NoError(t, err)
	require.NoError(t, l.CreateTopics(t.Context()))
	p, err := l.StartProducers(t.Context(), time.Minute)
	require.NoError(t, err)
	require.NoError(t, p.Wait(t.Context()))
	ends, err := l.Ends(t.Context())
	require.NoError(t, err)
	rec.Take()
	return l, rec, cluster, ends
}

// TestFetches: each fetch brings the record that it asked for, and has its times.
func TestFetches(t *testing.T) {
	l, rec, _, ends := filled(t, 600)
	f, err := l.StartFetches(t.Context(), 2000, 4, 100*time.Millisecond, ends)
	require.NoError(t, err)
	require.NoError(t, f.Wait(t.Context()))
	require.EqualValues(t, 200, f.Scheduled())
	require.EqualValues(t, 200, l.Counters.Fetched.Load())
	require.Zero(t, l.Counters.FetchBad.Load())
	require.Empty(t, f.Faults())
	got := rec.Take()
	for _, s := range []results.Series{results.FetchService, results.FetchDelay, results.FetchResponse} {
		require.EqualValues(t, 200, got.Hist[s].TotalCount(), s)
	}
	require.Zero(t, got.Hist[results.E2EResponse].TotalCount())
}

// TestFetchesOfAnotherRecord: what is not the record asked for is counted, and
// has no time.
func TestFetchesOfAnotherRecord(t *testing.T) {
	l, rec, cluster, ends := filled(t, 60)
	// The partitions of the topics change places: every answer is a good one, of
	// somebody else's record.
	cluster.ControlKey(kmsg.Fetch.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		p := &r.(*kmsg.FetchRequest).Topics[0].Partitions[0]
		p.Partition, p.FetchOffset = (p.Partition+1)%3, 0
		return nil, nil, false
	})
	f, err := l.StartFetches(t.Context(), 1000, 2, 20*time.Millisecond, ends)
	require.NoError(t, err)
	require.NoError(t, f.Wait(t.Context()))
	require.EqualValues(t, 20, l.Counters.FetchBad.Load())
	require.Zero(t, l.Counters.Fetched.Load())
	require.Len(t, f.Faults(), maxSamples)
	require.Zero(t, rec.Take().Hist[results.FetchResponse].TotalCount())
}

// TestFetchesRefused: an error of the partition is one of the fetch.
func TestFetchesRefused(t *testing.T) {
	l, _, cluster, ends := filled(t, 60)
	cluster.ControlKey(kmsg.Fetch.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		req := r.(*kmsg.FetchRequest)
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		topic := kmsg.NewFetchResponseTopic()
		topic.TopicID = req.Topics[0].TopicID
		p := kmsg.NewFetchResponseTopicPartition()
		p.Partition, p.ErrorCode = req.Topics[0].Partitions[0].Partition, kerr.KafkaStorageError.Code
		topic.Partitions = append(topic.Partitions, p)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	f, err := l.StartFetches(t.Context(), 1000, 1, 5*time.Millisecond, ends)
	require.NoError(t, err)
	require.NoError(t, f.Wait(t.Context()))
	require.EqualValues(t, 5, l.Counters.FetchBad.Load())
	require.Contains(t, f.Faults()[0], kerr.KafkaStorageError.Message)
}

// TestFetchesEnd: with the broker gone they end with the context, and with
// nothing to fetch they do not begin.
func TestFetchesEnd(t *testing.T) {
	l, _, cluster, ends := filled(t, 60)
	_, err := l.StartFetches(t.Context(), 10, 1, time.Second, make([]int64, len(ends)))
	require.ErrorContains(t, err, "no record")
	asked := make(chan struct{})
	cluster.ControlKey(kmsg.Fetch.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		close(asked)
		<-t.Context().Done()
		return nil, nil, false
	})
	ctx, cancel := context.WithCancel(context.Background())
	f, err := l.StartFetches(context.Background(), 1000, 1, time.Hour, ends)
	require.NoError(t, err)
	go func() { <-asked; cancel() }()
	require.ErrorIs(t, f.Wait(ctx), context.Canceled)
}

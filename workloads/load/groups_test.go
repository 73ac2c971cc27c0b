package load

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/tidelog/tide/results"
)

// runLoad runs a load against a Kafka of this process up to its last
// acknowledgement, with its tailing consumers, and returns what they and a
// reading of everything have found.
func runLoad(t *testing.T, cfg Config, d time.Duration) (l *Load, tail, all results.Verification) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	cfg.Brokers, cfg.Topic = cluster.ListenAddrs(), "t"
	l, err = New(cfg, NewClock(), NewRecorder())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, l.CreateTopics(ctx))
	readers, err := l.StartTail()
	require.NoError(t, err)
	defer readers.Stop()
	p, err := l.StartProducers(ctx, d)
	require.NoError(t, err)
	require.NoError(t, p.Wait(ctx))
	ends, err := l.Ends(ctx)
	require.NoError(t, err)
	require.NoError(t, readers.Await(ctx, ends))
	readers.Stop()
	back, err := l.StartReplay(2, "")
	require.NoError(t, err)
	defer back.Stop()
	require.NoError(t, back.Await(ctx, ends))
	back.Stop()
	return l, readers.Verify(), back.Verify()
}

// TestGroups: topics of different sizes, rates, payloads and keys in one load,
// with two subscriptions of one of them and none of another.
func TestGroups(t *testing.T) {
	l, tail, all := runLoad(t, Config{
		Clients: 3, Codec: "zstd", Sticky: 1000,
		Groups: []Group{
			{Name: "a", Partitions: []int{3, 5}, Producers: []int{2, 1}, Subscriptions: 2, Consumers: 2, ValueSize: 100, Rate: 1000, Keys: KeyRoundRobin},
			{
				Name: "b", Partitions: []int{2}, Producers: []int{4}, Consumers: -1, ValueSize: 300, Payload: Payload{Pool: 2, RandomRatio: 0.3},
				Curve: Curve{Points: []RatePoint{{0, 0}, {100 * time.Millisecond, 2000}}},
			},
			{Name: "c", Partitions: []int{1}, Producers: []int{1}, ValueSize: 50, Rate: 500, Keys: RandomNano},
		},
	}, 100*time.Millisecond)
	require.EqualValues(t, 100+100+50, l.Counters.Acked.Load())
	require.EqualValues(t, 100*100+100*300+50*50, l.Counters.AckedB.Load())
	require.True(t, tail.OK(), "%+v", tail)
	require.EqualValues(t, 2*100+50, tail.Records, "the first group is read twice, the second not at all")
	require.EqualValues(t, 2*100+50, tail.Expected)
	require.True(t, all.OK(), "%+v", all)
	require.EqualValues(t, 250, all.Records)
	own := l.Stalls.Take()
	require.EqualValues(t, 250, own.TotalCount(), "nothing pressed: every send is the generator's own")
}

// TestClosedLoopWithSharedClients: producers take turns, and MaxRecords ends it.
func TestClosedLoopWithSharedClients(t *testing.T) {
	for codec := range codecs {
		t.Run(codec, func(t *testing.T) {
			_, tail, all := runLoad(t, Config{
				Closed: true, MaxRecords: 500, Topics: 2, Producers: 6, Clients: 3, Partitions: 3, Consumers: 2, Group: "g", Subscriptions: 2,
				ValueSize: 200, Codec: codec,
			}, time.Minute)
			require.True(t, all.OK() && tail.OK(), "%+v %+v", all, tail)
			require.EqualValues(t, 500, all.Records)
			require.EqualValues(t, 1000, tail.Records)
		})
	}
}

// TestAcksOfTheLeader: without idempotence the order still holds on a broker
// that loses nothing.
func TestAcksOfTheLeader(t *testing.T) {
	_, _, all := runLoad(t, Config{Acks: "1", Rate: 2000, ValueSize: 100}, 50*time.Millisecond)
	require.True(t, all.OK(), "%+v", all)
	require.EqualValues(t, 100, all.Records)
}

func TestDescribe(t *testing.T) {
	l, err := New(Config{Brokers: []string{"x:1"}, Topic: "t", TopicConfig: map[string]string{"retention.ms": "5"}, Groups: []Group{
		{Name: "a", Partitions: []int{3, 5}, Producers: []int{2, 2}, Rate: 10},
		{Name: "b", Partitions: []int{2}, Producers: []int{1}, Consumers: -1, Curve: Curve{Points: []RatePoint{{0, 5}, {time.Minute, 7}}}},
	}}, NewClock(), NewRecorder())
	require.NoError(t, err)
	d := l.Config().Describe()
	for k, want := range map[string]string{
		"load.topics": "3", "load.producers": "5", "load.clients": "5", "load.consumers": "2", "load.topic.retention.ms": "5",
		"load.a.partitions": "3 5", "load.a.producers_per_topic": "2", "load.b.consumers_per_subscription": "0", "load.b.rate_curve": "0s=5 1m0s=7",
		"load.a.payload": "pseudo-random", "load.a.rate_per_s": "10", "load.rate_per_s": "10", "load.a.value_bytes": "1024", "load.a.keys": "NO_KEY", "load.codec": "none", "load.in_flight_bytes": "67108864",
	} {
		require.Equal(t, want, d[k], k)
	}
}

// TestLag: what a full client does to the next sends is not the generator's.
func TestLag(t *testing.T) {
	var s Stalls
	l := newLag(&s)
	l.sent(10, true, false)
	l.sent(20, false, true) // finds the client full, and waits after this
	l.sent(9999, false, false)
	l.sent(9998, false, false)
	require.EqualValues(t, 2, s.Take().TotalCount())
	l.sent(30, true, false)
	l.sent(-1, false, false)
	got := s.Take()
	require.EqualValues(t, 2, got.TotalCount())
	require.EqualValues(t, 30, got.Max())
	require.Nil(t, s.Take())
}

// TestThousandsOfProducers share a few clients: goroutines are those of the
// clients, and each producer has its turn.
func TestThousandsOfProducers(t *testing.T) {
	server := newDiscard(t)
	l, err := New(Config{
		Brokers: []string{server.address()}, Topic: "t", Consumers: -1, Producers: 2000, Clients: 20, Partitions: discardPartitions,
		Rate: 20_000, ValueSize: 100,
	}, NewClock(), NewRecorder())
	require.NoError(t, err)
	before := runtime.NumGoroutine()
	p, err := l.StartProducers(t.Context(), 200*time.Millisecond)
	require.NoError(t, err)
	require.Less(t, runtime.NumGoroutine(), before+20*20, "some for each client and its connections")
	require.NoError(t, p.Wait(t.Context()))
	require.EqualValues(t, 4000, l.Counters.Acked.Load())
	for _, c := range p.clients {
		require.Len(t, c.producers, 100)
		for _, one := range c.producers {
			require.EqualValues(t, 2, one.count-int64(indexOf(l.plan, one)), "each sends twice")
		}
	}
}

// indexOf a producer, at which its partitions begin.
func indexOf(plan *layout, p *producer) int {
	at := 0
	for i, one := range p.client.producers {
		if one == p {
			at = plan.lanes[p.client.lane].producers.from + i
		}
	}
	return at
}

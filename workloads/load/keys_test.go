package load

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestKeysGoWhereKafkaPutsThem: the table's hash modulo any number of
// partitions is what the client's own partitioner says.
func TestKeysGoWhereKafkaPutsThem(t *testing.T) {
	table := newKeyTable(1)
	kafka := kgo.StickyKeyPartitioner(nil).ForTopic("t")
	seen := map[string]bool{}
	for i, key := range table.keys {
		require.Len(t, key, 10)
		seen[string(key)] = true
		for _, n := range []int{1, 3, 16, 1000} {
			require.Equal(t, kafka.Partition(&kgo.Record{Key: key}, n), table.hashes[i]%n)
		}
	}
	require.Greater(t, len(seen), keyCount-5)
	require.Equal(t, table.keys, newKeyTable(1).keys)
}

func TestKeysAreChosen(t *testing.T) {
	require.Equal(t, 0, KeyRoundRobin.choose(keyCount, 5))
	require.Equal(t, 7, KeyRoundRobin.choose(7, 5))
	require.Equal(t, 5, RandomNano.choose(7, 3*keyCount+5))
}

// placed is where a producer of one topic sends its first records.
func placed(t *testing.T, cfg Config, n int) (keys []string, partitions []int) {
	cfg.Brokers, cfg.Topic, cfg.Rate, cfg.Producers = []string{"x:1"}, "t", 1, 1
	l, err := New(cfg, NewClock(), NewRecorder())
	require.NoError(t, err)
	k := &kind{bytes: newPayloads(Payload{}, 1, 100), keys: cfg.Keys}
	if cfg.Keys != NoKey && cfg.Keys != "" {
		k.table = newKeyTable(1)
	}
	p := &producer{client: &client{load: l}, kind: k, topic: l.plan.topics[0]}
	for i := range n {
		key, partition := p.place(int64(i))
		keys, partitions = append(keys, string(key)), append(partitions, partition)
	}
	return keys, partitions
}

func TestPlaces(t *testing.T) {
	keys, partitions := placed(t, Config{Partitions: 3}, 5)
	require.Equal(t, []int{0, 1, 2, 0, 1}, partitions)
	require.Equal(t, make([]string, 5), keys)
	_, partitions = placed(t, Config{Partitions: 3, Sticky: 250}, 8)
	require.Equal(t, []int{0, 0, 0, 1, 1, 1, 2, 2}, partitions, "100 bytes each: three reach 250")
	table := newKeyTable(1)
	keys, partitions = placed(t, Config{Partitions: 3, Keys: KeyRoundRobin}, 2)
	require.Equal(t, []string{string(table.keys[0]), string(table.keys[1])}, keys)
	require.Equal(t, []int{table.hashes[0] % 3, table.hashes[1] % 3}, partitions)
}

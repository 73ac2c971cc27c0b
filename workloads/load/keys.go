package load

import (
	"encoding/base64"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Keys is how records get keys, by OpenMessaging Benchmark's names. With keys
// the partition is the one that Kafka's own clients choose, by murmur2.
type Keys string

// The distributions of keys.
const (
	NoKey         Keys = "NO_KEY"
	KeyRoundRobin Keys = "KEY_ROUND_ROBIN" // one key after the other
	RandomNano    Keys = "RANDOM_NANO"     // the one that the clock's nanoseconds point at
)

func (k Keys) known() bool { return k == NoKey || k == KeyRoundRobin || k == RandomNano }

// OpenMessaging Benchmark has as many keys, and makes them of as many bytes.
const (
	keyCount = 10_000
	keyBytes = 7
)

// keyTable is the keys of a load and where each belongs.
type keyTable struct {
	keys   [keyCount][]byte
	hashes [keyCount]int // murmur2, 31 bits: modulo the partitions of a topic
}

func newKeyTable(seed uint64) *keyTable {
	t := &keyTable{}
	rng := rand.New(rand.NewPCG(seed, 0x6b657973))
	murmur := kgo.StickyKeyPartitioner(nil).ForTopic("")
	for i := range t.keys {
		var raw [keyBytes]byte
		random(rng, raw[:])
		t.keys[i] = base64.RawURLEncoding.AppendEncode(nil, raw[:])
		// Of as many partitions as there are hashes, the partition is the hash.
		t.hashes[i] = murmur.Partition(&kgo.Record{Key: t.keys[i]}, 1<<31)
	}
	return t
}

// choose the key of a producer's record number count, sent at now (ns).
func (k Keys) choose(count, now int64) int {
	if k == RandomNano {
		return int(now % keyCount)
	}
	return int(count % keyCount)
}

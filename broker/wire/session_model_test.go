package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

const modelParts = 6

// sessionModel is a client that knows of its partitions what the answers of a
// session have told it, and compares that with a full answer each time.
type sessionModel struct {
	*session
	alone   *direct         // another connection, for full requests
	offsets map[int32]int64 // of the partitions that are wanted
	changed map[int32]int64 // of those, what the broker was not told yet
	leaving map[int32]bool  // not said yet
	known   map[int32]told
	hungry  map[int32]int // answers in a row without the records that there are
}

// told is what an answer says of a partition, without its records.
type told struct {
	code        int16
	high, start int64
}

func of(p kmsg.FetchResponseTopicPartition) told {
	return told{p.ErrorCode, p.HighWatermark, p.LogStartOffset}
}

func newSessionModel(rt *rapid.T) *sessionModel {
	d := newDirect(rt, nil)
	d.broker.topic("topic", 7, modelParts)
	alone := *d
	alone.dial(d.conn.srv)
	m := &sessionModel{
		alone: &alone, offsets: map[int32]int64{0: 0, 1: 0, 2: 0}, changed: make(map[int32]int64),
		leaving: make(map[int32]bool), known: make(map[int32]told), hungry: make(map[int32]int),
	}
	var resp *kmsg.FetchResponse
	m.session, resp = d.open(rapid.SampledFrom([]int16{7, 12, 13, 18}).Draw(rt, "version"), "topic", 0, 1, 2)
	m.learn(resp)
	return m
}

// learn takes note of an answer and returns its records.
func (m *sessionModel) learn(resp *kmsg.FetchResponse) map[int32][]byte {
	records := make(map[int32][]byte)
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			require.NotContains(m.t, records, p.Partition, "each once")
			m.known[p.Partition], records[p.Partition] = of(p), p.RecordBatches
		}
	}
	return records
}

// full is what a request without a session gets for the same partitions.
func (m *sessionModel) full() []kmsg.FetchResponseTopicPartition {
	req := fetch(m.version, "topic")
	req.Topics[0].TopicID = [16]byte{7}
	for i, offset := range m.offsets {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = i, offset, 1<<20
		req.Topics[0].Partitions = append(req.Topics[0].Partitions, p)
	}
	return m.alone.ask(req).Topics[0].Partitions
}

// fetch sends what has changed, and compares what is known then.
func (m *sessionModel) fetch(rt *rapid.T) {
	m.maxBytes = int32(rapid.SampledFrom([]int{1, 2 * len(batch(10)), 1 << 20}).Draw(rt, "max bytes"))
	var forgotten []int32
	for i := range m.leaving {
		forgotten = append(forgotten, i)
	}
	resp := m.next(m.changed, forgotten...)
	require.Zero(rt, resp.ErrorCode)
	clear(m.changed)
	clear(m.leaving)
	records := m.learn(resp)
	for _, want := range m.full() {
		i := want.Partition
		require.Equal(rt, of(want), m.known[i], "partition %d", i)
		if want.ErrorCode != 0 {
			require.Contains(rt, records, i, "an error is said each time")
		}
		if m.maxBytes == 1<<20 {
			require.Equal(rt, len(want.RecordBatches), len(records[i]))
		}
		if m.hungry[i]++; len(want.RecordBatches) == 0 || len(records[i]) > 0 {
			m.hungry[i] = 0
		}
		require.Less(rt, m.hungry[i], modelParts, "partition %d starves", i)
		delete(records, i)
	}
	require.Empty(rt, records, "nothing that was not asked for")
}

// TestSessionAgainstFullRequests: whatever happens, the answers of a session
// put together are what a full answer says, and none of its partitions starves.
func TestSessionAgainstFullRequests(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newSessionModel(rt)
		index := func(rt *rapid.T) int32 { return rapid.Int32Range(0, modelParts-1).Draw(rt, "partition") }
		rt.Repeat(map[string]func(*rapid.T){
			"put":    func(rt *rapid.T) { m.part(index(rt)).put(10) },
			"trim":   func(rt *rapid.T) { m.trim(rt, index(rt)) },
			"away":   func(rt *rapid.T) { m.away(index(rt)) },
			"back":   func(rt *rapid.T) { m.back(index(rt)) },
			"want":   func(rt *rapid.T) { m.want(rt, index(rt)) },
			"forget": func(rt *rapid.T) { m.forget(index(rt)) },
			"fetch":  m.fetch,
		})
	})
}

func (m *sessionModel) part(i int32) *fakePartition { return m.broker.topics["topic"].parts[i] }

func (m *sessionModel) trim(rt *rapid.T, i int32) {
	p := m.part(i)
	_, err := p.DeleteRecords(rt.Context(), rapid.Int64Range(0, p.HighWatermark()).Draw(rt, "before"))
	require.NoError(rt, err)
}

// away gives the partition to another node.
func (m *sessionModel) away(i int32) {
	m.broker.set(func() { m.broker.topics["topic"].Partitions[i].Leader = 2 })
	m.part(i).drop(kerr.NotLeaderForPartition)
}

// back makes another partition of the same records, as opening one does.
func (m *sessionModel) back(i int32) {
	old := m.part(i)
	if old.Gone() == nil {
		return
	}
	twin := &fakePartition{broker: m.broker, topic: "topic", index: i, batches: old.stored(), next: old.next, high: old.high, start: old.start}
	m.broker.set(func() {
		m.broker.topics["topic"].parts[i] = twin
		m.broker.topics["topic"].Partitions[i].Leader = 1
	})
}

// want asks for a partition from an offset that may not exist.
func (m *sessionModel) want(rt *rapid.T, i int32) {
	m.offsets[i] = rapid.Int64Range(0, m.part(i).HighWatermark()+1).Draw(rt, "offset")
	m.changed[i] = m.offsets[i]
	delete(m.leaving, i)
}

// forget leaves one partition in the session at least: an empty one ends.
func (m *sessionModel) forget(i int32) {
	if _, wanted := m.offsets[i]; !wanted || len(m.offsets) == 1 {
		return
	}
	delete(m.offsets, i)
	delete(m.changed, i)
	m.leaving[i] = true
}

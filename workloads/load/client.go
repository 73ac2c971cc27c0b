package load

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
)

// client is one producing client and what is known of it while it runs. Its
// producers are used by one goroutine.
type client struct {
	load      *Load
	lane      int
	kafka     *kgo.Client
	shard     *recorderShard
	producers []*producer
	lastRTT   atomic.Int64 // of the produce response read last, ns
	inFlight  atomic.Int64 // bytes of keys and values without an outcome
}

// slot is a record from its send to its outcome; then it is used again.
type slot struct {
	rec      kgo.Record
	value    []byte
	stamp    Stamp
	from     *client
	kind     *kind
	finished func(*kgo.Record, error) // made once, so that a send allocates no closure
}

func (l *Load) newClient(lane int) (*client, error) {
	c := &client{load: l, lane: lane, shard: l.rec.shard(lane)}
	var err error
	if c.kafka, err = kgo.NewClient(append(l.cfg.producerOptions("producer-"+strconv.Itoa(lane)), kgo.WithHooks(c))...); err != nil {
		return nil, fmt.Errorf("producing client %d: %w", lane, err)
	}
	return c, nil
}

// OnBrokerE2E is a hook of the client: see the package comment on "client".
func (c *client) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	const produceKey = 0
	if key == produceKey && e2e.Err() == nil {
		c.lastRTT.Store(int64(e2e.DurationE2E()))
	}
}

// full says whether a send has to wait for an outcome.
func (p *producer) full() bool {
	return p.client.inFlight.Load()+p.kind.weight() > int64(p.client.load.cfg.InFlight)
}

// weight of a record as the client counts it, bytes.
func (k *kind) weight() int64 {
	if k.table != nil {
		return int64(k.bytes.size + len(k.table.keys[0]))
	}
	return int64(k.bytes.size)
}

func (k *kind) slot() *slot {
	if s, ok := k.slots.Get().(*slot); ok {
		return s
	}
	s := &slot{value: make([]byte, k.bytes.size), kind: k}
	s.finished = func(_ *kgo.Record, err error) { s.outcome(err) }
	return s
}

// send hands one record to the client and returns the time before that, ns of
// the Clock. It blocks while InFlight is used up.
func (p *producer) send(ctx context.Context, intended int64) int64 {
	c, l, s := p.client, p.client.load, p.kind.slot()
	now := l.clock.Now()
	key, partition := p.place(now)
	cell := p.topic.cells.from + partition
	s.from = c
	s.stamp = Stamp{
		Producer: uint32(c.lane), Partition: uint32(cell), Sequence: l.ledger.next(c.lane, cell),
		Intended: intended, Sent: now,
	}
	s.stamp.write(s.value, p.kind.bytes.of(s.stamp))
	s.rec = kgo.Record{Topic: p.topic.name, Partition: int32(partition), Key: key, Value: s.value}
	c.inFlight.Add(p.kind.weight())
	l.Counters.Sent.Add(1)
	c.kafka.Produce(ctx, &s.rec, s.finished)
	return now
}

// place chooses the key and the partition of the next record.
func (p *producer) place(now int64) (key []byte, partition int) {
	n := p.count
	partitions := p.topic.cells.size()
	if t := p.kind.table; t != nil {
		p.count++
		k := p.kind.keys.choose(n, now)
		return t.keys[k], t.hashes[k] % partitions
	}
	p.stuck += p.kind.bytes.size
	if p.stuck >= p.client.load.cfg.Sticky {
		p.count, p.stuck = p.count+1, 0
	}
	return nil, int(n % int64(partitions))
}

// outcome runs once for each record, on the client's goroutine.
func (s *slot) outcome(err error) {
	c := s.from
	l := c.load
	c.inFlight.Add(-s.kind.weight())
	if err != nil {
		l.Counters.Failed.Add(1)
		l.ledger.fail(c.lane, int(s.stamp.Partition), s.stamp.Sequence)
	} else {
		now := l.clock.Now()
		service := now - s.stamp.Sent
		c.shard.produce(now, service, s.stamp.Sent-s.stamp.Intended, max(0, service-c.lastRTT.Load()))
		l.Counters.Acked.Add(1)
		l.Counters.AckedB.Add(int64(len(s.value)))
	}
	s.kind.slots.Put(s)
}

package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// Producers are the producing clients while they run.
type Producers struct {
	load     *Load
	schedule Schedule // zero Rate in a closed loop
	closed   bool
	most     int64 // records, in a closed loop; 0: time alone ends it
	clients  []*producer
	stop     context.CancelFunc
	done     chan struct{}
	err      error // after done
}

// producer is one client. Its send method is called by one goroutine.
type producer struct {
	load    *Load
	id      int
	client  *kgo.Client
	shard   *recorderShard
	bytes   *payloads
	count   int64 // records sent: the next one's partition
	slots   sync.Pool
	lastRTT atomic.Int64 // of the produce response read last, ns
}

// slot is a record from its send to its outcome; then it is used again.
type slot struct {
	rec      kgo.Record
	value    []byte
	stamp    Stamp
	finished func(*kgo.Record, error) // made once, so that a send allocates no closure
}

// StartProducers begins to send: in open loop from now on, for the given time,
// by one Schedule; in closed loop until then. It returns once clients exist;
// Wait tells the end. Cancelling ctx stops at once.
func (l *Load) StartProducers(ctx context.Context, d time.Duration) (*Producers, error) {
	return l.produce(ctx, d, &Producers{closed: l.cfg.Closed, most: l.cfg.MaxRecords})
}

// StartFill sends a number of records as fast as it goes, also for a load that
// has a schedule: what is there before it begins. It must have ended when
// StartProducers is called.
func (l *Load) StartFill(ctx context.Context, records int64) (*Producers, error) {
	const long = 100 * 365 * 24 * time.Hour
	return l.produce(ctx, long, &Producers{closed: true, most: records})
}

// produce makes the clients and starts them.
func (l *Load) produce(ctx context.Context, d time.Duration, p *Producers) (*Producers, error) {
	ctx, stop := context.WithCancel(ctx)
	p.load, p.stop, p.done = l, stop, make(chan struct{})
	bytes := newPayloads(l.cfg.Seed, l.cfg.ValueSize)
	for i := range l.cfg.Producers {
		c, err := l.newProducer(i, bytes)
		if err != nil {
			p.closeClients()
			stop()
			return nil, err
		}
		p.clients = append(p.clients, c)
	}
	start := l.clock.Now()
	if !p.closed {
		p.schedule = Schedule{Start: start, Rate: l.cfg.Rate}
	}
	go func() {
		defer close(p.done)
		p.err = p.run(ctx, start+int64(d))
	}()
	return p, nil
}

func (l *Load) newProducer(id int, bytes *payloads) (*producer, error) {
	p := &producer{load: l, id: id, shard: l.rec.shard(id), bytes: bytes, count: int64(id)}
	p.slots.New = func() any { return p.newSlot() }
	acks := []kgo.Opt{kgo.RequiredAcks(kgo.AllISRAcks())}
	if l.cfg.Acks == "1" {
		acks = []kgo.Opt{kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite()}
	}
	opts := append(l.clientOptions("producer-"+strconv.Itoa(id)), acks...)
	opts = append(opts,
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(l.cfg.Linger),
		kgo.ProducerBatchMaxBytes(int32(l.cfg.BatchBytes)),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.MaxBufferedBytes(l.cfg.InFlight),
		kgo.MaxBufferedRecords(l.cfg.InFlight/l.cfg.ValueSize+1),
		kgo.ProduceRequestTimeout(10*time.Second),
		kgo.WithHooks(p),
	)
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("producer %d: %w", id, err)
	}
	p.client = client
	return p, nil
}

func (p *producer) newSlot() *slot {
	s := &slot{value: make([]byte, p.load.cfg.ValueSize)}
	s.finished = func(_ *kgo.Record, err error) { p.outcome(s, err) }
	return s
}

// OnBrokerE2E is a hook of the client: see the package comment on "client".
func (p *producer) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	const produceKey = 0
	if key == produceKey && e2e.Err() == nil {
		p.lastRTT.Store(int64(e2e.DurationE2E()))
	}
}

// run sends until the end and then waits for every outcome.
func (p *Producers) run(ctx context.Context, end int64) error {
	defer p.closeClients()
	err := p.send(ctx, end)
	if ctx.Err() != nil {
		return err // stopped: what is in the buffers fails when the clients close
	}
	for _, c := range p.clients {
		err = errors.Join(err, c.client.Flush(ctx))
	}
	return err
}

func (p *Producers) send(ctx context.Context, end int64) error {
	if p.closed {
		return p.sendClosed(ctx, end)
	}
	// One thread paces all producers: a second one would only take the core
	// that the clients and the broker need, and the order of sends would no
	// longer be the schedule's.
	pace, err := newPacer(p.load.clock)
	if err != nil {
		return fmt.Errorf("pacer: %w", err)
	}
	defer pace.close()
	for i, n := int64(0), p.schedule.CountBefore(end); i < n; i++ {
		at := p.schedule.At(i)
		if err := pace.until(ctx, at); err != nil {
			return err
		}
		p.clients[i%int64(len(p.clients))].send(ctx, at)
	}
	return nil
}

func (p *Producers) sendClosed(ctx context.Context, end int64) error {
	// No context of the group's own: it would end with the last send, and with
	// it every record that is still in a client's buffer.
	var g errgroup.Group
	most := int64(math.MaxInt64)
	if p.most > 0 {
		most = p.most
	}
	var begun atomic.Int64
	for _, c := range p.clients {
		g.Go(func() error {
			for now := p.load.clock.Now(); now < end && ctx.Err() == nil && begun.Add(1) <= most; now = p.load.clock.Now() {
				c.send(ctx, now)
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// send hands one record to the client. It blocks while InFlight is used up.
func (p *producer) send(ctx context.Context, intended int64) {
	s := p.slots.Get().(*slot)
	part := int(p.count % int64(p.load.cfg.cells()))
	p.count++
	s.stamp = Stamp{
		Producer: uint32(p.id), Partition: uint32(part),
		Sequence: p.load.ledger.next(p.id, part),
		Intended: intended, Sent: p.load.clock.Now(),
	}
	p.bytes.fill(s.value, s.stamp)
	s.rec = kgo.Record{
		Topic:     p.load.cfg.topicName(part / p.load.cfg.Partitions),
		Partition: int32(part % p.load.cfg.Partitions),
		Value:     s.value,
	}
	p.load.Counters.Sent.Add(1)
	p.client.Produce(ctx, &s.rec, s.finished)
}

// outcome runs once for each record, on the client's goroutine.
func (p *producer) outcome(s *slot, err error) {
	l := p.load
	if err != nil {
		l.Counters.Failed.Add(1)
		l.ledger.fail(p.id, int(s.stamp.Partition), s.stamp.Sequence)
	} else {
		now := l.clock.Now()
		service := now - s.stamp.Sent
		p.shard.produce(now, service, s.stamp.Sent-s.stamp.Intended, max(0, service-p.lastRTT.Load()))
		l.Counters.Acked.Add(1)
		l.Counters.AckedB.Add(int64(len(s.value)))
	}
	p.slots.Put(s)
}

// ScheduledBefore is how many sends were due before t; -1 in a closed loop.
func (p *Producers) ScheduledBefore(t int64) int64 {
	if p.closed {
		return -1
	}
	return p.schedule.CountBefore(t)
}

// Closed says whether they have no schedule.
func (p *Producers) Closed() bool { return p.closed }

// Done is closed when all sends are made and have an outcome.
func (p *Producers) Done() <-chan struct{} { return p.done }

// Wait for that. When ctx ends first, what has no outcome yet is given up (its
// outcome is unknown) and the context's error is returned.
func (p *Producers) Wait(ctx context.Context) error {
	defer p.stop()
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		p.stop()
		<-p.done
		return fmt.Errorf("waiting for acknowledgements: %w", ctx.Err())
	}
}

func (p *Producers) closeClients() {
	for _, c := range p.clients {
		c.client.Close()
	}
}

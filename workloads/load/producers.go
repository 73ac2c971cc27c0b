package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Producers are the producing clients while they run.
type Producers struct {
	load    *Load
	closed  bool
	most    int64 // records, in a closed loop; 0: time alone ends it
	clients []*client
	flows   []*flow      // by group; nil in a closed loop
	end     atomic.Int64 // ns of the Clock: what is due later is not sent
	stop    context.CancelFunc
	done    chan struct{}
	err     error // after done
}

// schedule is the fixed plan of an open loop.
type schedule interface {
	// At is the intended time of send i, ns of the Clock.
	At(i int64) int64
	// CountBefore is the number of sends that are due before t.
	CountBefore(t int64) int64
}

// producer is one of those who share a client. It is used by one goroutine.
type producer struct {
	client *client
	kind   *kind
	topic  topicPlan
	count  int64 // records sent: the next one's key, and partition
	stuck  int   // bytes sent to the present partition, with Config.Sticky
}

// kind is what the producers of a group have in common.
type kind struct {
	bytes *payloads
	keys  Keys
	table *keyTable // nil without keys
	slots sync.Pool
}

// StartProducers begins to send: in open loop from now on, for the given time,
// by one schedule for each group; in closed loop until then. It returns once
// clients exist; Wait tells the end. Cancelling ctx stops at once.
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
	for i := range l.plan.lanes {
		c, err := l.newClient(i)
		if err != nil {
			p.closeClients()
			stop()
			return nil, err
		}
		p.clients = append(p.clients, c)
	}
	byGroup := p.hire()
	start := l.clock.Now()
	if !p.closed {
		p.flows = l.newFlows(byGroup, start, d)
	}
	p.end.Store(start + int64(d))
	go func() {
		defer close(p.done)
		p.err = p.run(ctx)
	}()
	return p, nil
}

// hire makes the producers, each with its client, and lists them by group.
func (p *Producers) hire() [][]*producer {
	cfg, plan := p.load.cfg, p.load.plan
	kinds, byGroup := make([]*kind, len(cfg.Groups)), make([][]*producer, len(cfg.Groups))
	var table *keyTable
	for i, g := range cfg.Groups {
		kinds[i] = &kind{bytes: newPayloads(g.Payload, cfg.Seed+uint64(i), g.ValueSize), keys: g.Keys}
		if g.Keys == NoKey {
			continue
		}
		if table == nil {
			table = newKeyTable(cfg.Seed)
		}
		kinds[i].table = table
	}
	for i, at := range plan.producers {
		topic, c := plan.topics[at.topic], p.clients[at.lane]
		// They begin at different partitions, as they would come to in time.
		one := &producer{client: c, kind: kinds[topic.group], topic: topic, count: int64(i)}
		c.producers = append(c.producers, one)
		byGroup[topic.group] = append(byGroup[topic.group], one)
	}
	return byGroup
}

// run sends until the end and then waits for every outcome.
func (p *Producers) run(ctx context.Context) error {
	defer p.closeClients()
	send := p.send
	if p.closed {
		send = p.sendClosed
	}
	err := send(ctx)
	if ctx.Err() != nil {
		return err // stopped: what is in the buffers fails when the clients close
	}
	for _, c := range p.clients {
		err = errors.Join(err, c.kafka.Flush(ctx))
	}
	return err
}

// send paces all producers from one thread: a second one would only take the
// core that the clients and the broker need, and the order of sends would no
// longer be the schedule's.
func (p *Producers) send(ctx context.Context) error {
	holdCalm()
	defer releaseCalm()
	pace, err := newPacer(p.load.clock)
	if err != nil {
		return fmt.Errorf("pacer: %w", err)
	}
	defer pace.close()
	lag := newLag(&p.load.Stalls)
	for {
		f := p.next()
		if f == nil || f.due >= p.end.Load() {
			return ctx.Err()
		}
		slept, err := pace.until(ctx, f.due)
		if err != nil {
			return err
		}
		if f.due >= p.end.Load() { // it ended meanwhile
			return ctx.Err()
		}
		who := f.take()
		full := who.full()
		sent := who.send(ctx, f.last)
		lag.sent(sent-f.last, slept, full)
	}
}

// next is the flow with the earliest send; nil without any.
func (p *Producers) next() *flow {
	var first *flow
	for _, f := range p.flows {
		if first == nil || f.due < first.due {
			first = f
		}
	}
	return first
}

// flow is the sends of a group in open loop.
type flow struct {
	schedule  schedule
	producers []*producer
	count     int64 // of sends taken
	due       int64 // ns of the Clock: when the next one is
	last      int64 // when the one taken last was
}

// newFlows leaves groups out that send nothing.
func (l *Load) newFlows(byGroup [][]*producer, start int64, d time.Duration) []*flow {
	var flows []*flow
	for i, g := range l.cfg.Groups {
		f := &flow{producers: byGroup[i]}
		switch {
		case len(f.producers) == 0:
			continue
		case len(g.Curve.Points) > 0:
			f.schedule = newCurved(start, g.Curve.from(time.Unix(0, start), d))
		case g.Rate > 0:
			f.schedule = Schedule{Start: start, Rate: g.Rate}
		default:
			continue
		}
		f.due = f.schedule.At(0)
		flows = append(flows, f)
	}
	return flows
}

// take gives the producer whose turn it is.
func (f *flow) take() *producer {
	who := f.producers[f.count%int64(len(f.producers))]
	f.count++
	f.last, f.due = f.due, f.schedule.At(f.count)
	return who
}

// sendClosed has one goroutine for each client, whose producers take turns.
func (p *Producers) sendClosed(ctx context.Context) error {
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
			for i := 0; ctx.Err() == nil && begun.Add(1) <= most; i++ {
				now := p.load.clock.Now()
				if now >= p.end.Load() {
					break
				}
				c.producers[i%len(c.producers)].send(ctx, now)
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// ScheduledBefore is how many sends were due before t; -1 in a closed loop.
func (p *Producers) ScheduledBefore(t int64) int64 {
	if p.closed {
		return -1
	}
	t = min(t, p.end.Load())
	var n int64
	for _, f := range p.flows {
		n += f.schedule.CountBefore(t)
	}
	return n
}

// Finish ends the sends earlier than was planned: what is due from now on is not
// sent. What was due before still is, and has its outcome in the end.
func (p *Producers) Finish() {
	now := p.load.clock.Now()
	for {
		end := p.end.Load()
		if end <= now || p.end.CompareAndSwap(end, now) {
			return
		}
	}
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

// closeClients closes many at a time: each waits for its connections.
func (p *Producers) closeClients() {
	var g errgroup.Group
	g.SetLimit(64)
	for _, c := range p.clients {
		g.Go(func() error { c.kafka.Close(); return nil })
	}
	_ = g.Wait() // no function fails
}

package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Fetches ask for single records by random offsets, in open loop: what a
// look-up costs that no cache and no read-ahead has foreseen.
//
//	Schedule ─▶ queue ─▶ one of the connections, one request at a time ─▶ checked
//	            └ delay ┘ └────────────── service ──────────────────┘
//
// A broker answers the requests of one connection in turn, so a connection has
// one in flight, and their number bounds what is asked at the same time.
type Fetches struct {
	load     *Load
	schedule Schedule
	parts    []fetchPart
	due      chan fetchOf
	ctx      context.Context // of the requests; ended by Stop
	stop     context.CancelFunc
	pacing   sync.WaitGroup
	asking   sync.WaitGroup
	count    int64

	mu      sync.Mutex
	samples []string // guarded by mu: of what went wrong
	err     error    // guarded by mu: of the pacer
}

// fetchPart is a partition as a request names it.
type fetchPart struct {
	topic     string
	id        [16]byte
	partition int32
	leader    int
	end       int64 // offsets below it are asked for
}

// fetchOf is one fetch.
type fetchOf struct {
	at     int64 // intended, ns of the Clock
	cell   int
	offset int64
}

// fetchQueue is how many fetches may be due and not begun before the pacer
// waits. Their delay is counted either way.
const fetchQueue = 1 << 14

// StartFetches begins now: rate a second over that many connections, for d,
// each at an offset below its partition's end. The offsets follow from the
// load's seed.
func (l *Load) StartFetches(ctx context.Context, rate int64, connections int, d time.Duration, ends []int64) (*Fetches, error) {
	parts, err := l.fetchParts(ctx, ends)
	if err != nil {
		return nil, err
	}
	var clients []*kgo.Client
	for i := range connections {
		c, err := kgo.NewClient(l.cfg.clientOptions("fetch-" + strconv.Itoa(i))...)
		if err != nil {
			for _, c := range clients {
				c.Close()
			}
			return nil, fmt.Errorf("fetching client %d: %w", i, err)
		}
		clients = append(clients, c)
	}
	f := &Fetches{load: l, parts: parts, due: make(chan fetchOf, fetchQueue)}
	f.ctx, f.stop = context.WithCancel(ctx)
	f.schedule = Schedule{Start: l.clock.Now(), Rate: rate}
	f.count = f.schedule.CountBefore(f.schedule.Start + int64(d))
	for i, c := range clients {
		f.asking.Go(func() {
			defer c.Close()
			f.ask(c, l.rec.shard(i))
		})
	}
	f.pacing.Go(f.pace)
	return f, nil
}

// fetchParts are the partitions that hold anything.
func (l *Load) fetchParts(ctx context.Context, ends []int64) ([]fetchPart, error) {
	cl, err := kgo.NewClient(l.cfg.clientOptions("admin")...)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	m, err := kadm.NewClient(cl).Metadata(ctx, l.Topics()...)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	parts := make([]fetchPart, l.plan.cells)
	some := false
	for _, plan := range l.plan.topics {
		name, topic := plan.name, m.Topics[plan.name]
		for p := range plan.cells.size() {
			cell := plan.cells.from + p
			found, ok := topic.Partitions[int32(p)]
			if topic.Err != nil || !ok || found.Err != nil {
				return nil, fmt.Errorf("metadata of %s/%d: %w", name, p, errors.Join(topic.Err, found.Err, errNoLeader))
			}
			parts[cell] = fetchPart{name, topic.ID, int32(p), int(found.Leader), ends[cell]}
			some = some || ends[cell] > 0
		}
	}
	if !some {
		return nil, errors.New("there is no record to be fetched")
	}
	return parts, nil
}

// pace hands the fetches out at their times, on a thread of its own.
func (f *Fetches) pace() {
	defer close(f.due)
	holdCalm()
	defer releaseCalm()
	p, err := newPacer(f.load.clock)
	if err != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.err = fmt.Errorf("pacer: %w", err)
		return
	}
	defer p.close()
	rng := rand.New(rand.NewPCG(f.load.cfg.Seed, 0x66657463))
	for i := range f.count {
		at := f.schedule.At(i)
		next := f.choose(rng)
		next.at = at
		if _, err := p.until(f.ctx, at); err != nil {
			return
		}
		select {
		case f.due <- next:
		case <-f.ctx.Done():
			return
		}
	}
}

// choose takes any record of any partition, all with the same probability per
// partition.
func (f *Fetches) choose(rng *rand.Rand) fetchOf {
	for {
		cell := rng.IntN(len(f.parts))
		if end := f.parts[cell].end; end > 0 {
			return fetchOf{cell: cell, offset: rng.Int64N(end)}
		}
	}
}

// ask makes one request after the other.
func (f *Fetches) ask(c *kgo.Client, shard *recorderShard) {
	for next := range f.due {
		sent := f.load.clock.Now()
		err := f.fetch(c, next)
		if f.ctx.Err() != nil {
			continue // stopped: what is left in the queue was never asked
		}
		if err != nil {
			f.load.Counters.FetchBad.Add(1)
			f.sample(fmt.Errorf("%s/%d offset %d: %w", f.parts[next.cell].topic, f.parts[next.cell].partition, next.offset, err))
			continue
		}
		shard.fetch(f.load.clock.Now()-sent, sent-next.at)
		f.load.Counters.Fetched.Add(1)
	}
}

// fetch asks for one record and checks that it is the one.
func (f *Fetches) fetch(c *kgo.Client, next fetchOf) error {
	part := f.parts[next.cell]
	resp, err := c.Broker(part.leader).Request(f.ctx, fetchRequest(part, next.offset))
	if err != nil {
		return err
	}
	answer, ok := resp.(*kmsg.FetchResponse)
	if !ok || len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 {
		return errors.Join(errors.New("the answer is not of one partition"), kerr.ErrorForCode(answerCode(answer)))
	}
	got, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		Offset: next.offset, Topic: part.topic, Partition: part.partition,
	}, &answer.Topics[0].Partitions[0], kgo.DefaultDecompressor(), nil)
	if got.Err != nil {
		return got.Err
	}
	if len(got.Records) == 0 || got.Records[0].Offset != next.offset {
		return errors.New("the answer does not begin with the record")
	}
	stamp, err := ReadStamp(got.Records[0].Value)
	if err == nil && int(stamp.Partition) != next.cell {
		err = fmt.Errorf("%w: it belongs to partition %d", ErrForeign, stamp.Partition)
	}
	return err
}

func answerCode(r *kmsg.FetchResponse) int16 {
	if r == nil {
		return 0
	}
	return r.ErrorCode
}

// fetchRequest wants one byte: a broker answers with the one batch that holds
// the offset, however large it is.
func fetchRequest(part fetchPart, offset int64) *kmsg.FetchRequest {
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = part.partition, offset, 1
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID, t.Partitions = part.topic, part.id, []kmsg.FetchRequestTopicPartition{p}
	r := kmsg.NewPtrFetchRequest()
	r.MinBytes, r.MaxBytes, r.MaxWaitMillis = 1, 1, 1000
	r.SessionEpoch = -1 // no session
	r.Topics = []kmsg.FetchRequestTopic{t}
	return r
}

func (f *Fetches) sample(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.samples) < maxSamples {
		f.samples = append(f.samples, err.Error())
	}
}

// Scheduled is how many fetches there are in all.
func (f *Fetches) Scheduled() int64 { return f.count }

// Wait returns when every fetch has its answer, or with ctx's error.
func (f *Fetches) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		f.pacing.Wait()
		f.asking.Wait()
		close(done)
	}()
	defer func() { <-done }()
	defer f.stop()
	select {
	case <-done:
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.err
	case <-ctx.Done():
		return fmt.Errorf("waiting for fetches: %w", ctx.Err())
	}
}

// Faults are samples of what went wrong, to be read after Wait.
func (f *Fetches) Faults() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.samples
}

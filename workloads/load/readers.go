package load

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidelog/tide/results"
)

// Readers are consuming clients that share the partitions of the load.
type Readers struct {
	load   *Load
	verify *Verifier
	tail   bool
	cancel context.CancelFunc
	wg     sync.WaitGroup
	errors atomic.Pointer[error] // the first that no retry mends

	records, bytes *atomic.Int64 // of the load, all readers of a kind together

	read        atomic.Int64 // records of these readers
	readB       atomic.Int64 // bytes of their values
	first, last atomic.Int64 // ns of the Clock: arrival of the first and the latest

	moved chan struct{} // cap 1: some partition came closer to its end
}

// StartTail reads every partition from its start, for ever, and records
// end-to-end times. Each reader has a client of its own.
func (l *Load) StartTail() (*Readers, error) {
	r := l.newReaders(true, &l.Counters.Consumed, &l.Counters.ConsumeB)
	return r, r.start(l.cfg.Consumers, l.cfg.Group)
}

// StartReplay reads every partition from offset 0 with fresh clients that
// leave no mark in the end-to-end times. group may be empty.
func (l *Load) StartReplay(consumers int, group string) (*Readers, error) {
	r := l.newReaders(false, &l.Counters.CaughtUp, &l.Counters.CaughtB)
	return r, r.start(consumers, group)
}

func (l *Load) newReaders(tail bool, records, bytes *atomic.Int64) *Readers {
	return &Readers{
		load: l, tail: tail, records: records, bytes: bytes,
		verify: NewVerifier(l.cfg.Producers, l.cfg.cells()),
		moved:  make(chan struct{}, 1),
	}
}

func (r *Readers) start(consumers int, group string) error {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	for i := range consumers {
		client, err := r.load.newReader(i, consumers, group)
		if err != nil {
			r.Stop()
			return fmt.Errorf("consumer %d: %w", i, err)
		}
		r.wg.Go(func() {
			defer client.Close()
			r.poll(ctx, client, r.load.rec.shard(i))
		})
	}
	return nil
}

func (l *Load) newReader(i, of int, group string) (*kgo.Client, error) {
	opts := append(l.clientOptions("consumer-"+strconv.Itoa(i)),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxBytes(16<<20),
		kgo.FetchMaxPartitionBytes(1<<20),
		kgo.FetchMinBytes(1),
		kgo.MaxConcurrentFetches(1), // bounds what a client holds
	)
	if group != "" {
		opts = append(opts, kgo.ConsumerGroup(group), kgo.ConsumeTopics(l.topics()...))
		return kgo.NewClient(opts...)
	}
	mine := map[string]map[int32]kgo.Offset{}
	for cell := i; cell < l.cfg.cells(); cell += of {
		topic := l.cfg.topicName(cell / l.cfg.Partitions)
		if mine[topic] == nil {
			mine[topic] = map[int32]kgo.Offset{}
		}
		mine[topic][int32(cell%l.cfg.Partitions)] = kgo.NewOffset().At(0)
	}
	return kgo.NewClient(append(opts, kgo.ConsumePartitions(mine))...)
}

// poll runs on a goroutine of its own until the context ends.
func (r *Readers) poll(ctx context.Context, client *kgo.Client, shard *recorderShard) {
	cells := map[string]int{}
	for i, t := range r.load.topics() {
		cells[t] = i * r.load.cfg.Partitions
	}
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		now := r.load.clock.Now()
		fetches.EachError(r.fault)
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			r.observe(shard, cells[p.Topic]+int(p.Partition), now, p.Records)
		})
		select {
		case r.moved <- struct{}{}:
		default: // a wake is pending already
		}
	}
}

func (r *Readers) observe(shard *recorderShard, cell int, now int64, recs []*kgo.Record) {
	bytes := 0
	for _, rec := range recs {
		stamp, fresh := r.verify.Observe(cell, rec.Offset, rec.Value)
		if fresh && r.tail {
			shard.consume(now-stamp.Sent, now-stamp.Intended)
		}
		bytes += len(rec.Value)
	}
	r.records.Add(int64(len(recs)))
	r.bytes.Add(int64(bytes))
	r.read.Add(int64(len(recs)))
	r.readB.Add(int64(bytes))
	r.first.CompareAndSwap(0, now)
	r.last.Store(now)
}

// Progress is what was read, and how long it took from the first record's
// arrival to the latest's.
func (r *Readers) Progress() (records, bytes int64, took time.Duration) {
	return r.read.Load(), r.readB.Load(), time.Duration(r.last.Load() - r.first.Load())
}

// fault keeps the first error that means lost data or a request refused. The
// client retries on its own what a restart of the broker mends.
func (r *Readers) fault(topic string, partition int32, err error) {
	var loss *kgo.ErrDataLoss
	if errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) {
		return
	}
	if errors.As(err, &loss) || topic != "" {
		wrapped := fmt.Errorf("consuming %s/%d: %w", topic, partition, err)
		r.errors.CompareAndSwap(nil, &wrapped)
	}
}

// Await returns when every partition was read up to ends.
func (r *Readers) Await(ctx context.Context, ends []int64) error {
	for {
		if r.reached(ends) {
			return nil
		}
		if err := r.errors.Load(); err != nil {
			return *err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("reading up to the end: %s: %w", r.behind(ends), ctx.Err())
		case <-r.moved:
		}
	}
}

func (r *Readers) reached(ends []int64) bool {
	for cell, end := range ends {
		if r.verify.Offset(cell) < end {
			return false
		}
	}
	return true
}

func (r *Readers) behind(ends []int64) string {
	missing, partitions := int64(0), 0
	for cell, end := range ends {
		if d := end - r.verify.Offset(cell); d > 0 {
			missing += d
			partitions++
		}
	}
	return fmt.Sprintf("%d records of %d partitions not read", missing, partitions)
}

// Stop ends the readers and waits for them.
func (r *Readers) Stop() {
	r.cancel()
	r.wg.Wait()
}

// Verify compares what was read with what was acknowledged. Producers are done
// and Await has returned.
func (r *Readers) Verify() results.Verification { return r.verify.Finish(r.load.ledger) }

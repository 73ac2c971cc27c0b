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

// Readers are consuming clients that share the partitions of the load, or with
// several subscriptions those who share the partitions of each.
type Readers struct {
	load   *Load
	subs   []*Verifier // by subscription: each reads all that it covers
	tail   bool
	cancel context.CancelFunc
	wg     sync.WaitGroup
	errors atomic.Pointer[error] // the first that no retry mends

	records, bytes *atomic.Int64 // of the load, all readers of a kind together

	read        atomic.Int64 // records of these readers
	readB       atomic.Int64 // bytes of their values
	first, last atomic.Int64 // ns of the Clock: arrival of the first and the latest

	moved chan struct{} // cap 1: some partition came closer to its end
	pace  pace
	gate  gate
}

// reader is one consuming client's part.
type reader struct {
	id     string
	group  string   // "": partitions are assigned
	topics []string // of the group
	cells  []int    // assigned
	sub    *Verifier
}

// StartTail reads every partition of every subscription from its start, for
// ever, and records end-to-end times. Each reader has a client of its own.
func (l *Load) StartTail() (*Readers, error) {
	r := l.newReaders(true, &l.Counters.Consumed, &l.Counters.ConsumeB)
	var all []reader
	for sub := range l.subscriptions() {
		covers := func(t topicPlan) bool { return l.follows(t, sub) }
		r.subs = append(r.subs, newVerifier(l.plan, covers))
		all = append(all, l.tails(sub, r.subs[sub])...)
	}
	return r, r.start(all)
}

// subscriptions is the largest number of any topic that is followed.
func (l *Load) subscriptions() int {
	n := 0
	for _, g := range l.cfg.Groups {
		if g.Consumers > 0 {
			n = max(n, g.Subscriptions)
		}
	}
	return n
}

// follows says whether a topic has a subscription of that number.
func (l *Load) follows(t topicPlan, sub int) bool {
	g := l.cfg.Groups[t.group]
	return g.Consumers > 0 && sub < g.Subscriptions
}

// tails are the readers of one subscription, topic by topic.
func (l *Load) tails(sub int, v *Verifier) []reader {
	group := l.cfg.Group
	if group != "" && l.subscriptions() > 1 {
		group += "-" + strconv.Itoa(sub)
	}
	var all []reader
	for _, t := range l.plan.topics {
		if !l.follows(t, sub) {
			continue
		}
		n := l.cfg.Groups[t.group].Consumers
		for i := range n {
			one := reader{id: fmt.Sprintf("consumer-%d-%d", sub, len(all)), group: group, topics: []string{t.name}, sub: v}
			for cell := t.cells.from + i; cell < t.cells.to; cell += n {
				one.cells = append(one.cells, cell)
			}
			all = append(all, one)
		}
	}
	return all
}

// StartReplay reads every partition from offset 0 with fresh clients that
// leave no mark in the end-to-end times. group may be empty.
func (l *Load) StartReplay(consumers int, group string) (*Readers, error) {
	r := l.newReaders(false, &l.Counters.CaughtUp, &l.Counters.CaughtB)
	r.subs = []*Verifier{newVerifier(l.plan, everyTopic)}
	all := make([]reader, min(consumers, l.plan.cells))
	for i := range all {
		all[i] = reader{id: "replay-" + strconv.Itoa(i), group: group, topics: l.Topics(), sub: r.subs[0]}
		for cell := i; cell < l.plan.cells; cell += len(all) {
			all[i].cells = append(all[i].cells, cell)
		}
	}
	return r, r.start(all)
}

func (l *Load) newReaders(tail bool, records, bytes *atomic.Int64) *Readers {
	return &Readers{load: l, tail: tail, records: records, bytes: bytes, moved: make(chan struct{}, 1)}
}

func (r *Readers) start(all []reader) error {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	for i, one := range all {
		if one.group == "" && len(one.cells) == 0 {
			continue // more consumers than partitions: it would have nothing to read
		}
		client, err := r.load.newReader(one, len(all))
		if err != nil {
			r.Stop()
			return fmt.Errorf("%s: %w", one.id, err)
		}
		r.wg.Go(func() {
			defer client.Close()
			r.poll(ctx, client, one.sub, r.load.rec.shard(i))
		})
	}
	return nil
}

func (l *Load) newReader(one reader, of int) (*kgo.Client, error) {
	opts := l.cfg.readerOptions(one.id, one.group, of)
	if one.group != "" {
		return kgo.NewClient(append(opts, kgo.ConsumeTopics(one.topics...))...)
	}
	mine := map[string]map[int32]kgo.Offset{}
	for _, cell := range one.cells {
		t := l.plan.topicOf(cell)
		if mine[t.name] == nil {
			mine[t.name] = map[int32]kgo.Offset{}
		}
		mine[t.name][int32(cell-t.cells.from)] = kgo.NewOffset().At(0)
	}
	return kgo.NewClient(append(opts, kgo.ConsumePartitions(mine))...)
}

// poll runs on a goroutine of its own until the context ends.
func (r *Readers) poll(ctx context.Context, client *kgo.Client, sub *Verifier, shard *recorderShard) {
	first := r.load.plan.firstCells
	for ctx.Err() == nil {
		r.gate.pass(ctx)
		fetches := client.PollFetches(ctx)
		now := r.load.clock.Now()
		fetches.EachError(r.fault)
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			r.observe(shard, sub, first[p.Topic]+int(p.Partition), now, p.Records)
		})
		select {
		case r.moved <- struct{}{}:
		default: // a wake is pending already
		}
		r.hold(ctx)
	}
}

func (r *Readers) observe(shard *recorderShard, sub *Verifier, cell int, now int64, recs []*kgo.Record) {
	bytes := 0
	for _, rec := range recs {
		stamp, fresh := sub.Observe(cell, rec.Offset, rec.Value)
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

// Await returns when every partition was read up to ends, by every subscription
// to it.
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

// reached stops at the first partition that is not: it is asked at each wake.
func (r *Readers) reached(ends []int64) bool {
	for _, sub := range r.subs {
		for cell, end := range ends {
			if sub.missingTo(cell, end) > 0 {
				return false
			}
		}
	}
	return true
}

func (r *Readers) behind(ends []int64) string {
	records, partitions := int64(0), 0
	for _, sub := range r.subs {
		for cell, end := range ends {
			if n := sub.missingTo(cell, end); n > 0 {
				records += n
				partitions++
			}
		}
	}
	return fmt.Sprintf("%d records of %d partitions not read", records, partitions)
}

// Stop ends the readers and waits for them.
func (r *Readers) Stop() {
	r.cancel()
	r.wg.Wait()
}

// Verify compares what was read with what was acknowledged, all subscriptions
// together. Producers are done and Await has returned.
func (r *Readers) Verify() results.Verification {
	sum := results.Verification{Done: true}
	for _, sub := range r.subs {
		sum = sum.Plus(sub.Finish(r.load.ledger))
	}
	return sum
}

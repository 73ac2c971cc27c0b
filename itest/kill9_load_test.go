package itest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// steady is the idempotent producer that lives through all rounds. The n-th
// record of a partition says so, and must end at offset n.
type steady struct {
	t      *testing.T
	cl     *kgo.Client
	offers chan int // how many more records to produce
	done   chan struct{}
	acked  acks
}

// acks counts acknowledged records by partition and tells when a goal is met.
type acks struct {
	mu     sync.Mutex
	by     map[int32]int64
	sum    int64
	goal   int64
	signal chan struct{}
	err    error // the first failure of any record
}

func newSteady(t *testing.T, addr string) *steady {
	cl, err := kgo.NewClient(append(quick(addr),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.StopProducerOnDataLossDetected(), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerLinger(0), kgo.MaxBufferedRecords(1000), kgo.UnknownTopicRetries(-1),
	)...)
	require.NoError(t, err)
	s := &steady{t: t, cl: cl, offers: make(chan int, 1), done: make(chan struct{}), acked: acks{by: map[int32]int64{}}}
	ctx, cancel := context.WithCancel(context.Background())
	go s.produce(ctx)
	t.Cleanup(func() {
		cancel()
		<-s.done
		cl.Close()
	})
	return s
}

// text is what the n-th record of a partition holds: some 1 KiB, and no two alike.
func text(partition int32, n int64) string {
	line := fmt.Sprintf("steady %d %d ", partition, n)
	return line + strings.Repeat(line, 1024/len(line))
}

func (s *steady) produce(ctx context.Context) {
	defer close(s.done)
	next := [partitions]int64{}
	for p := int32(0); ; {
		var n int
		select {
		case n = <-s.offers:
		case <-ctx.Done():
			return
		}
		for range n {
			p = (p + 1) % partitions
			r := &kgo.Record{Topic: topicSteady, Partition: p, Value: []byte(text(p, next[p]))}
			n := next[p]
			s.cl.Produce(ctx, r, func(r *kgo.Record, err error) { s.acked.add(r, n, err) })
			next[p]++
		}
	}
}

// offer gives the producer n records to send; the channel closes at the
// goal-th acknowledgement from now, or at the first failure.
func (s *steady) offer(goal, n int64) <-chan struct{} {
	ch := s.acked.arm(goal)
	s.offers <- int(n)
	return ch
}

// finish waits until all that was ever offered is acknowledged.
func (s *steady) finish() {
	ctx, cancel := context.WithTimeout(s.t.Context(), clientWithin)
	defer cancel()
	require.NoError(s.t, s.cl.Flush(ctx), "records of the idempotent producer that no retry delivers")
	require.NoError(s.t, s.acked.failure())
}

func (s *steady) check(r *kgo.Record) error {
	if string(r.Value) != text(r.Partition, r.Offset) {
		return fmt.Errorf("holds %.40q, sent was %.40q: lost, repeated or out of order", r.Value, text(r.Partition, r.Offset))
	}
	return s.acked.failure()
}

func (a *acks) arm(goal int64) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.goal, a.signal = a.sum+goal, make(chan struct{})
	return a.signal
}

// add is a record's callback. An answer must carry the offset of the record,
// also when the record was on disk before and the answer is to its retry.
func (a *acks) add(r *kgo.Record, n int64, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed):
		return // the test is over
	case err == nil && (r.Offset != n || a.by[r.Partition] != n):
		err = fmt.Errorf("acknowledged at offset %d after %d others", r.Offset, a.by[r.Partition])
	}
	if err != nil && a.err == nil {
		a.err = fmt.Errorf("%s/%d record %d: %w", r.Topic, r.Partition, n, err)
	}
	a.by[r.Partition]++
	a.sum++
	if a.signal != nil && (a.sum >= a.goal || a.err != nil) {
		close(a.signal)
		a.signal = nil
	}
}

func (a *acks) all() map[int32]int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.by)
}

func (a *acks) total() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sum
}

func (a *acks) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// perBatch is the number of records in each of plain's batches.
const perBatch = 7

// plain writes batches that are never retried, one at a time to each partition.
type plain struct {
	mu    sync.Mutex
	sent  map[int32][]*sentBatch // in the order sent
	whole int                    // unacknowledged batches found whole in the last reading

	unacked int                   // unacknowledged ones, ever
	at      map[int32]*plainState // where the reading is
}

type sentBatch struct {
	round, n int
	offset   int64 // of its first record; -1: not acknowledged
}

type plainState struct {
	index int // in sent: the batch that the next first record may belong to
	i     int // the next record within a batch, 0: a batch begins
}

func newPlain() *plain { return &plain{sent: map[int32][]*sentBatch{}} }

func plainText(b *sentBatch, partition int32, i int) string {
	line := fmt.Sprintf("plain %d round %d batch %d record %d ", partition, b.round, b.n, i)
	return line + strings.Repeat(line, 300/len(line))
}

// run writes to every partition until the connection breaks, which is the
// kill. The channel gives the first answer that was an error.
func (p *plain) run(addr string, round int) <-chan error {
	out := make(chan error, 1)
	var wg sync.WaitGroup
	var errs [partitions]error
	for part := range int32(partitions) {
		wg.Go(func() { errs[part] = p.write(addr, round, part) })
	}
	go func() {
		wg.Wait()
		out <- errors.Join(errs[:]...)
	}()
	return out
}

func (p *plain) write(addr string, round int, part int32) error {
	c, err := dialPlain(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for n := 0; ; n++ {
		b := &sentBatch{round: round, n: n, offset: -1}
		p.mu.Lock()
		p.sent[part] = append(p.sent[part], b)
		p.mu.Unlock()
		var values []string
		for i := range perBatch {
			values = append(values, plainText(b, part, i))
		}
		answer, err := c.produce(topicPlain, part, batch(values...))
		if err != nil {
			return nil // killed
		}
		if err := kerr.ErrorForCode(answer.ErrorCode); kerr.IsRetriable(err) {
			continue // a partition not open yet, say; the next batch goes on
		} else if err != nil {
			return fmt.Errorf("%s/%d batch %d: %w", topicPlain, part, n, err)
		}
		b.offset = answer.BaseOffset
	}
}

func (p *plain) ackedBatches() (n int) {
	for _, bs := range p.sent {
		for _, b := range bs {
			if b.offset >= 0 {
				n++
			}
		}
	}
	return n
}

// begin starts a reading from offset 0. Nothing is being written then.
func (p *plain) begin() {
	p.whole, p.unacked, p.at = 0, 0, map[int32]*plainState{}
	for part, bs := range p.sent {
		p.at[part] = &plainState{}
		for _, b := range bs {
			if b.offset < 0 {
				p.unacked++
			}
		}
	}
}

// check takes the next record of a partition: it goes on in the batch that is
// open, or opens the next batch, stepping only over unacknowledged ones.
func (p *plain) check(r *kgo.Record) error {
	at, sent := p.at[r.Partition], p.sent[r.Partition]
	for at.i == 0 && at.index < len(sent) && sent[at.index].offset < 0 && string(r.Value) != plainText(sent[at.index], r.Partition, 0) {
		at.index++
	}
	if at.index == len(sent) {
		return fmt.Errorf("%.60q was never sent, or is there twice", r.Value)
	}
	b := sent[at.index]
	if want := plainText(b, r.Partition, at.i); string(r.Value) != want {
		return fmt.Errorf("holds %.60q, expected %.60q", r.Value, want)
	}
	if b.offset >= 0 && r.Offset != b.offset+int64(at.i) {
		return fmt.Errorf("acknowledged at %d", b.offset+int64(at.i))
	}
	if at.i++; at.i == perBatch {
		at.i = 0
		at.index++
		if b.offset < 0 {
			p.whole++
		}
	}
	return nil
}

// end checks that no batch was cut and no acknowledged one is missing.
func (p *plain) end() error {
	for part, at := range p.at {
		if at.i != 0 {
			return fmt.Errorf("%s/%d ends after %d of %d records of a batch", topicPlain, part, at.i, perBatch)
		}
		for _, b := range p.sent[part][at.index:] {
			if b.offset >= 0 {
				return fmt.Errorf("%s/%d: batch %d of round %d, acknowledged at %d, is not there", topicPlain, part, b.n, b.round, b.offset)
			}
		}
	}
	return nil
}

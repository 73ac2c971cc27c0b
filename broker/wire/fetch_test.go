package wire

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// put appends one durable batch with a value of n bytes.
func (p *fakePartition) put(n int) {
	_, end := p.store(batch(n))
	p.advance(end)
}

func (p *fakePartition) watched() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiters) > 0
}

func fetched(resp kmsg.Response) (bytes []int) {
	for _, t := range resp.(*kmsg.FetchResponse).Topics {
		for _, p := range t.Partitions {
			bytes = append(bytes, len(p.RecordBatches))
		}
	}
	return bytes
}

func TestFetchLimits(t *testing.T) {
	h := newHarness(t, nil)
	parts := h.broker.topic("topic", 7, 3)
	for _, p := range parts {
		for range 3 {
			p.put(100)
		}
	}
	one := len(batch(100))
	c := h.dial()
	req := fetch(11, "topic", 0, 1, 2)
	require.Equal(t, []int{3 * one, 3 * one, 3 * one}, fetched(c.ask(req)))
	req.MaxBytes = int32(4 * one)
	require.Equal(t, []int{3 * one, one, 0}, fetched(c.ask(req)))
	req.MaxBytes = 1 // the first batch is returned whole
	require.Equal(t, []int{one, 0, 0}, fetched(c.ask(req)))
	req.MaxBytes = 1 << 20
	for i := range req.Topics[0].Partitions {
		req.Topics[0].Partitions[i].PartitionMaxBytes = int32(2*one + 1)
	}
	require.Equal(t, []int{2 * one, 2 * one, 2 * one}, fetched(c.ask(req)))
	for i := range req.Topics[0].Partitions {
		req.Topics[0].Partitions[i].PartitionMaxBytes = 1
	}
	require.Equal(t, []int{one, 0, 0}, fetched(c.ask(req)))
	req.Topics[0].Partitions[0].FetchOffset = 3 // at its end: the next one has the first batch
	require.Equal(t, []int{0, one, 0}, fetched(c.ask(req)))
}

func TestFetchErrors(t *testing.T) {
	h := newHarness(t, nil)
	parts := h.broker.topic("topic", 7, 1)
	parts[0].put(1)
	c := h.dial()
	ask := func(change func(*kmsg.FetchRequestTopicPartition)) kmsg.FetchResponseTopicPartition {
		req := fetch(11, "topic", 0)
		req.MaxWaitMillis = 1 << 30 // an error answers at once
		req.MinBytes = 1 << 20
		change(&req.Topics[0].Partitions[0])
		return c.ask(req).(*kmsg.FetchResponse).Topics[0].Partitions[0]
	}
	p := ask(func(p *kmsg.FetchRequestTopicPartition) { p.FetchOffset = 5 })
	require.Equal(t, kerr.OffsetOutOfRange.Code, p.ErrorCode)
	require.EqualValues(t, 0, p.LogStartOffset)
	p = ask(func(p *kmsg.FetchRequestTopicPartition) { p.CurrentLeaderEpoch = 2 })
	require.Equal(t, kerr.FencedLeaderEpoch.Code, p.ErrorCode)
	p = ask(func(p *kmsg.FetchRequestTopicPartition) { p.CurrentLeaderEpoch = 4 })
	require.Equal(t, kerr.UnknownLeaderEpoch.Code, p.ErrorCode)
	p = ask(func(p *kmsg.FetchRequestTopicPartition) { p.Partition = 4 })
	require.Equal(t, kerr.UnknownTopicOrPartition.Code, p.ErrorCode)

	byID := fetch(13, "", 0)
	byID.Topics[0].TopicID = [16]byte{1}
	require.Equal(t, kerr.UnknownTopicID.Code, c.ask(byID).(*kmsg.FetchResponse).Topics[0].Partitions[0].ErrorCode)

	session := fetch(11, "topic", 0)
	session.SessionID, session.SessionEpoch = 4, 7
	resp := c.ask(session).(*kmsg.FetchResponse)
	require.Equal(t, kerr.FetchSessionIDNotFound.Code, resp.ErrorCode)
	require.Empty(t, resp.Topics)
}

func TestLongPollWakesForRecords(t *testing.T) {
	h := newHarness(t, nil)
	parts := h.broker.topic("topic", 7, 2)
	c := h.dial()
	req := fetch(11, "topic", 0, 1)
	req.MaxWaitMillis = 1 << 30
	one := len(batch(10))
	req.MinBytes = int32(2 * one)
	want := c.send(req)
	eventually(t, parts[1].watched, "the poll to wait")
	parts[1].put(10) // not enough yet
	parts[0].put(10)
	require.Equal(t, []int{one, one}, fetched(c.answer(req, want)))
	require.False(t, parts[0].watched())
}

// The topic is deleted while a client waits for its records: the client hears
// of it at once, not when its wait is over.
func TestLongPollEndsWithTheTopic(t *testing.T) {
	h := newHarness(t, nil)
	parts := h.broker.topic("topic", 7, 2)
	parts[0].put(10)
	c := h.dial()
	for version := int16(4); version <= 18; version++ {
		parts[1].drop(nil)
		req := fetch(version, "topic", 0, 1)
		req.Topics[0].TopicID = [16]byte{7}
		req.MaxWaitMillis, req.MinBytes = 1<<30, 1<<20
		want := c.send(req)
		eventually(t, parts[1].watched, "the poll to wait")
		parts[1].drop(kerr.UnknownTopicOrPartition)
		got := c.answer(req, want).(*kmsg.FetchResponse).Topics[0].Partitions
		require.Zero(t, got[0].ErrorCode)
		require.Equal(t, kerr.UnknownTopicOrPartition.Code, got[1].ErrorCode)
		require.EqualValues(t, -1, got[1].HighWatermark)
		eventually(t, func() bool { return !parts[1].watched() }, "the poll to end")
	}
}

func TestLongPollEndsInTime(t *testing.T) {
	h := newHarness(t, nil)
	parts := h.broker.topic("topic", 7, 1)
	parts[0].put(10)
	c := h.dial()
	req := fetch(11, "topic", 0)
	req.MaxWaitMillis, req.MinBytes = 20, 1<<20
	require.Equal(t, []int{len(batch(10))}, fetched(c.ask(req)), "what there is, although it is too little")
}

// Records become visible between the first read and the watch, in a place
// where no signal is sent: the poll must look again.
func TestLongPollLosesNoWakeUp(t *testing.T) {
	h := newHarness(t, nil)
	parts := h.broker.topic("topic", 7, 1)
	var once sync.Once
	parts[0].mu.Lock()
	parts[0].onRead = func() { once.Do(func() { parts[0].put(10) }) }
	parts[0].mu.Unlock()
	req := fetch(11, "topic", 0)
	req.MaxWaitMillis = 1 << 30
	require.Equal(t, []int{len(batch(10))}, fetched(h.dial().ask(req)))
}

// A fetch that waits for the very records that came before it on the same
// connection finds them committed.
func TestFetchBehindProduceOnOneConnection(t *testing.T) {
	h := newHarness(t, nil)
	h.broker.topic("topic", 7, 1)
	c := h.dial()
	req := fetch(11, "topic", 0)
	req.MaxWaitMillis = 1 << 30
	p := produce(9, -1, "topic", 0, batch(10))
	_, err := c.conn.Write(append(frameOf(p, 1), frameOf(req, 2)...))
	require.NoError(t, err)
	c.answer(p, 1)
	require.Equal(t, []int{len(batch(10))}, fetched(c.answer(req, 2)))
}

func TestLongPollEndsWithTheServer(t *testing.T) {
	h := newHarness(t, nil)
	parts := h.broker.topic("topic", 7, 1)
	c := h.dial()
	req := fetch(11, "topic", 0)
	req.MaxWaitMillis = 1 << 30
	want := c.send(req)
	eventually(t, parts[0].watched, "the poll to wait")
	go h.srv.Close(t.Context())
	require.Equal(t, []int{0}, fetched(c.answer(req, want)))
}

package wire

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// polling is a session over a socket, whose requests wait for ever.
type polling struct {
	*client
	parts []*fakePartition
	id    int32
	epoch int32
}

func newPolling(t *testing.T, h *harness) *polling {
	p := &polling{client: h.dial(), parts: h.broker.topic("topic", 7, 3)}
	req := fetch(12, "topic", 0, 1, 2)
	req.SessionEpoch = wantsSession
	p.id = p.ask(req).(*kmsg.FetchResponse).SessionID
	require.NotZero(t, p.id)
	return p
}

// wait sends a request that changes nothing; the result reads its answer.
func (p *polling) wait(change func(*kmsg.FetchRequest)) func() *kmsg.FetchResponse {
	req := fetch(12, "")
	req.Topics = nil
	p.epoch++
	req.SessionID, req.SessionEpoch, req.MaxWaitMillis = p.id, p.epoch, 1<<30
	change(req)
	want := p.send(req)
	return func() *kmsg.FetchResponse { return p.answer(req, want).(*kmsg.FetchResponse) }
}

func unchanged(*kmsg.FetchRequest) {}

func TestSessionPollWakesForRecords(t *testing.T) {
	one := len(batch(10))
	p := newPolling(t, newHarness(t, nil))
	answer := p.wait(unchanged)
	p.parts[1].put(10)
	require.Equal(t, parts{1: one}, held(answer()))

	answer = p.wait(func(req *kmsg.FetchRequest) { req.MinBytes = int32(3 * one) })
	p.parts[0].put(10) // one is there, two are not enough
	p.parts[2].put(10)
	require.Equal(t, parts{0: one, 1: one, 2: one}, held(answer()))
}

// A poll whose records are less than it wants says what there is when its time
// is over; news without records do not end it.
func TestSessionPollEndsInTime(t *testing.T) {
	p := newPolling(t, newHarness(t, nil))
	p.parts[1].put(10)
	_, err := p.parts[2].DeleteRecords(t.Context(), 0)
	require.NoError(t, err)
	answer := p.wait(func(req *kmsg.FetchRequest) { req.MaxWaitMillis, req.MinBytes = 20, 1<<20 })
	require.Equal(t, parts{1: len(batch(10))}, held(answer()))
}

// What a poll waits for goes: it hears of it at once.
func TestSessionPollHearsOfLoss(t *testing.T) {
	p := newPolling(t, newHarness(t, nil))
	p.parts[0].put(10)
	big := func(req *kmsg.FetchRequest) { req.MinBytes = 1 << 20 }
	answer := p.wait(big)
	_, err := p.parts[0].DeleteRecords(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, parts{0: -int(kerr.OffsetOutOfRange.Code)}, held(answer()))
	answer = p.wait(func(req *kmsg.FetchRequest) {
		req.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{{Topic: "topic", Partitions: []int32{0}}}
		big(req)
	})
	p.parts[1].drop(kerr.UnknownTopicOrPartition)
	require.Equal(t, parts{1: -int(kerr.UnknownTopicOrPartition.Code)}, held(answer()))
}

// Records become visible at the moment when a partition was found to be at its
// end: the signal that they send then is kept.
func TestSessionPollLosesNoWakeUp(t *testing.T) {
	p := newPolling(t, newHarness(t, nil))
	part := p.parts[1]
	var once sync.Once
	part.mu.Lock()
	part.onRead = func() { once.Do(func() { part.put(10) }) }
	part.mu.Unlock()
	answer := p.wait(func(req *kmsg.FetchRequest) { // to look at it
		req.Topics = fetch(12, "topic", 1).Topics
	})
	require.Equal(t, parts{1: len(batch(10))}, held(answer()))
}

// Both kinds of requests on one connection share its channel: neither takes
// the other's wake-up away.
func TestSessionPollBesideOneWithout(t *testing.T) {
	one := len(batch(10))
	p := newPolling(t, newHarness(t, nil))
	alone := fetch(6, "topic", 2)
	alone.MaxWaitMillis = 1 << 30
	want := p.send(alone)
	eventually(t, func() bool { return p.parts[2].watchers() == 2 }, "the poll to wait")
	p.parts[1].put(10) // wakes it for nothing
	p.parts[2].put(10)
	require.Equal(t, []int{one}, fetched(p.answer(alone, want)))
	require.Equal(t, parts{1: one, 2: one}, held(p.wait(unchanged)()))
}

func (p *fakePartition) watchers() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiters)
}

// Many writers, one session, long polls: every record arrives once.
func TestSessionUnderLoad(t *testing.T) {
	const each = 200
	p := newPolling(t, newHarness(t, nil))
	var writers sync.WaitGroup
	for _, part := range p.parts {
		writers.Go(func() {
			for range each {
				part.put(1)
			}
		})
	}
	next := make(map[int32]int64)
	for next[0]+next[1]+next[2] < 3*each {
		resp := p.wait(func(req *kmsg.FetchRequest) {
			req.Topics = fetch(12, "topic", 0, 1, 2).Topics
			for i := range req.Topics[0].Partitions {
				req.Topics[0].Partitions[i].FetchOffset = next[int32(i)]
			}
		})()
		for i, n := range held(resp) {
			require.Zero(t, n%len(batch(1)))
			next[i] += int64(n / len(batch(1)))
		}
	}
	writers.Wait()
	require.Equal(t, map[int32]int64{0: each, 1: each, 2: each}, next)
}

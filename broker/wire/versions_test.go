package wire

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Every key at every version: a request full of nonsense gets an answer that
// the generated codec decodes and encodes to the same bytes.
func TestEveryVersionAnswersNonsense(t *testing.T) {
	h := newHarness(t, nil)
	h.broker.topic("s1", 1, 2)
	eachVersion(t, func(t *testing.T, a *api, version int16) {
		c := h.dial()
		c.t = t
		for seed := range uint64(5) {
			req := randomRequest(a, version, rand.New(rand.NewPCG(seed, uint64(version))))
			if p, ok := req.(*kmsg.ProduceRequest); ok {
				p.Acks = 1
			}
			c.ask(req)
		}
	})
}

// A topic's life at every combination that a client of some age would use.
func TestEveryVersionProduceAndFetch(t *testing.T) {
	h := newHarness(t, nil)
	parts := h.broker.topic("topic", 7, 1)
	want := []byte{}
	records := batch(100)
	for version := int16(3); version <= 13; version++ {
		req := produce(version, -1, "topic", 0, records)
		req.Topics[0].TopicID = [16]byte{7}
		resp := h.dial().ask(req).(*kmsg.ProduceResponse)
		p := resp.Topics[0].Partitions[0]
		require.Zero(t, p.ErrorCode)
		require.EqualValues(t, version-3, p.BaseOffset)
		require.Equal(t, version >= 13, resp.Topics[0].TopicID == [16]byte{7})
	}
	for _, b := range parts[0].stored() {
		want = append(want, b.bytes...)
	}
	for version := int16(4); version <= 18; version++ {
		req := fetch(version, "topic", 0)
		req.Topics[0].TopicID = [16]byte{7}
		p := h.dial().ask(req).(*kmsg.FetchResponse).Topics[0].Partitions[0]
		require.Zero(t, p.ErrorCode)
		require.Equal(t, want, p.RecordBatches)
		require.EqualValues(t, 11, p.HighWatermark)
		require.EqualValues(t, 11, p.LastStableOffset)
	}
}

func TestOldProduceIsRefusedPerPartition(t *testing.T) {
	h := newHarness(t, nil)
	h.broker.topic("topic", 7, 1)
	for version := int16(0); version < 3; version++ {
		resp := h.dial().ask(produce(version, 1, "topic", 0, []byte("message set"))).(*kmsg.ProduceResponse)
		require.Equal(t, kerr.UnsupportedVersion.Code, resp.Topics[0].Partitions[0].ErrorCode)
	}
}

func TestLeaderHints(t *testing.T) {
	h := newHarness(t, nil)
	h.broker.topic("topic", 7, 1)
	h.broker.set(func() { h.broker.topics["topic"].Partitions[0].Leader = 2 })
	for version := int16(10); version <= 13; version++ {
		req := produce(version, 1, "topic", 0, batch(1))
		req.Topics[0].TopicID = [16]byte{7}
		resp := h.dial().ask(req).(*kmsg.ProduceResponse)
		p := resp.Topics[0].Partitions[0]
		require.Equal(t, kerr.NotLeaderForPartition.Code, p.ErrorCode)
		require.EqualValues(t, 2, p.CurrentLeader.LeaderID)
		require.Len(t, resp.Brokers, 1)
		require.Equal(t, "broker.test", resp.Brokers[0].Host)
	}
	req := fetch(16, "", 0)
	req.Topics[0].TopicID = [16]byte{7}
	resp := h.dial().ask(req).(*kmsg.FetchResponse)
	require.EqualValues(t, 2, resp.Topics[0].Partitions[0].CurrentLeader.LeaderID)
	require.Len(t, resp.Brokers, 1)
}

func TestUnknownApiVersionsGetTheList(t *testing.T) {
	h := newHarness(t, nil)
	c := h.dial()
	_, err := c.conn.Write([]byte{0, 0, 0, 12, 0, 18, 0, 99, 0, 0, 0, 5, 0, 2, 'm', 'e'})
	require.NoError(t, err)
	correlation, body := c.frame()
	require.EqualValues(t, 5, correlation)
	resp := kmsg.NewPtrApiVersionsResponse()
	require.NoError(t, resp.ReadFrom(body))
	require.Equal(t, kerr.UnsupportedVersion.Code, resp.ErrorCode)
	require.Len(t, resp.ApiKeys, 20)
	// The connection goes on.
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = 4, "tester", "1.0-a"
	require.Len(t, c.ask(req).(*kmsg.ApiVersionsResponse).ApiKeys, 20)
	req.ClientSoftwareName = "-"
	require.Equal(t, kerr.InvalidRequest.Code, c.ask(req).(*kmsg.ApiVersionsResponse).ErrorCode)
}

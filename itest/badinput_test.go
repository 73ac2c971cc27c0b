package itest

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestBadFrames sends bytes that no client would. Each closes its own
// connection and nothing else: the broker serves the next one as before.
func TestBadFrames(t *testing.T) {
	addr := target(t)
	frame := func(body ...byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
	}
	for name, bytes := range map[string][]byte{
		"length 2 GiB":                 {0x7f, 0xff, 0xff, 0xff},
		"length below zero":            {0xff, 0xff, 0xff, 0xff},
		"no header":                    frame(),
		"half a header":                frame(0, 18, 0),
		"unknown API key":              frame(0x7f, 0x01, 0, 0, 0, 0, 0, 1, 0xff, 0xff),
		"client id past the end":       frame(0, 3, 0, 9, 0, 0, 0, 1, 0x7f, 0xff, 'x'),
		"Metadata, array past the end": frame(0, 3, 0, 4, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff),
		"Metadata, unknown version":    frame(0, 3, 0x7f, 0x00, 0, 0, 0, 1, 0xff, 0xff),
		"HTTP":                         []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, addr)
			_, err := c.Write(bytes)
			require.NoError(t, err)
			c.closedByPeer(t)
			_, err = dial(t, addr).call(kmsg.NewPtrApiVersionsRequest())
			require.NoError(t, err, "the broker serves the next connection")
		})
	}
}

// TestUnknownApiVersions: the one request that is answered at a version we do
// not know, in v0, so that a newer client can fall back.
func TestUnknownApiVersions(t *testing.T) {
	c := dial(t, target(t))
	body := []byte{0, apiVersions, 0x70, 0, 0, 0, 0, 7, 0xff, 0xff, 0} // a flexible header: no client id, no tags
	_, err := c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	require.NoError(t, err)
	c.last = 7
	answer, err := c.frame()
	require.NoError(t, err)
	resp := kmsg.NewPtrApiVersionsResponse()
	require.NoError(t, resp.ReadFrom(answer))
	require.Equal(t, kerr.UnsupportedVersion.Code, resp.ErrorCode)
	require.True(t, slices.ContainsFunc(resp.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool {
		return k.ApiKey == apiVersions && k.MaxVersion >= 3
	}), "the list of what is served: %v", resp.ApiKeys)
}

// TestBadBatches produces batches with one thing wrong each. The error is
// Kafka's, the connection stays, and nothing of them is in the log.
func TestBadBatches(t *testing.T) {
	addr := target(t)
	into := topic(t)
	kcat(t, addr, "good\n", "-P", "-t", into, "-p", "0", "-X", "acks=all")
	c := dial(t, addr)
	damage := func(f func(b []byte) []byte) []byte { return f(batch("one", "two", "three")) }
	corrupt := []int16{kerr.CorruptMessage.Code, kerr.InvalidRecord.Code}
	for name, bad := range map[string][]byte{
		"flipped bit":            damage(func(b []byte) []byte { b[len(b)-2] ^= 1; return b }),
		"CRC":                    damage(func(b []byte) []byte { b[17] ^= 1; return b }),
		"length past the end":    damage(func(b []byte) []byte { b[11]++; return b }),
		"length of zero":         damage(func(b []byte) []byte { clear(b[8:12]); return b }),
		"length below zero":      damage(func(b []byte) []byte { b[8] = 0xff; return b }),
		"cut short":              damage(func(b []byte) []byte { return b[:len(b)-1] }),
		"cut in the header":      damage(func(b []byte) []byte { return b[:40] }),
		"more records than said": damage(func(b []byte) []byte { b[60] = 2; b[26] = 1; return seal(b) }),
		"fewer than said":        damage(func(b []byte) []byte { b[60] = 9; b[26] = 8; return seal(b) }),
		"count below zero":       damage(func(b []byte) []byte { b[57] = 0xff; return seal(b) }),
		"last delta":             damage(func(b []byte) []byte { b[26] = 77; return seal(b) }),
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := c.produce(into, 0, bad)
			require.NoError(t, err, "the connection stays")
			require.Contains(t, corrupt, answer.ErrorCode, kerr.ErrorForCode(answer.ErrorCode))
		})
	}
	answer, err := c.produce(into, 0, damage(func(b []byte) []byte { b[22] = 7; return seal(b) }))
	require.NoError(t, err)
	require.NotZero(t, answer.ErrorCode, "codec 7 does not exist (Kafka answers UNKNOWN_SERVER_ERROR)")
	require.Equal(t, "good\n", kcat(t, addr, "", "-C", "-t", into, "-p", "0", "-o", "beginning", "-e", "-q"))
}

// TestNoSuchThing: what is not there gets Kafka's code for it.
func TestNoSuchThing(t *testing.T) {
	p := start(t, t.TempDir(), "--auto-create-topics=false")
	c := dial(t, p.Kafka)
	answer, err := c.produce("nowhere", 0, batch("x"))
	require.NoError(t, err)
	require.Equal(t, kerr.UnknownTopicOrPartition.Code, answer.ErrorCode)

	create := kmsg.NewPtrCreateTopicsRequest()
	create.Version, create.TimeoutMillis = 5, 30_000
	one := kmsg.NewCreateTopicsRequestTopic()
	one.Topic, one.NumPartitions, one.ReplicationFactor = "here", 1, 1
	create.Topics = append(create.Topics, one)
	made, err := c.call(create)
	require.NoError(t, err)
	require.Zero(t, made.(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode)

	answer, err = c.produce("here", 1, batch("x"))
	require.NoError(t, err)
	require.Equal(t, kerr.UnknownTopicOrPartition.Code, answer.ErrorCode)
	for _, offset := range []int64{-5, 1, 1 << 40} {
		require.Equal(t, kerr.OffsetOutOfRange.Code, fetchError(t, c, "here", offset), "offset %d of an empty partition", offset)
	}
	require.Zero(t, fetchError(t, c, "here", 0))
}

// fetchError fetches once at v11, without waiting, and returns the partition's error.
func fetchError(t *testing.T, c *conn, topic string, offset int64) int16 {
	t.Helper()
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxBytes = 11, 1<<20
	part := kmsg.NewFetchRequestTopicPartition()
	part.FetchOffset, part.PartitionMaxBytes = offset, 1<<20
	in := kmsg.NewFetchRequestTopic()
	in.Topic, in.Partitions = topic, append(in.Partitions, part)
	req.Topics = append(req.Topics, in)
	resp, err := c.call(req)
	require.NoError(t, err)
	return resp.(*kmsg.FetchResponse).Topics[0].Partitions[0].ErrorCode
}

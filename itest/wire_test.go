package itest

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// conn is a connection below any client library: it sends requests one at a
// time, or bytes that no library would send.
type conn struct {
	net.Conn
	format *kmsg.RequestFormatter
	last   int32 // correlation id of the latest request
}

// dial connects; every read and write must end within clientWithin.
func dial(t *testing.T, addr string) *conn {
	t.Helper()
	c, err := dialPlain(addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func dialPlain(addr string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, clientWithin)
	if err != nil {
		return nil, err
	}
	if err := c.SetDeadline(time.Now().Add(clientWithin)); err != nil {
		return nil, err
	}
	return &conn{Conn: c, format: kmsg.NewRequestFormatter(kmsg.FormatterClientID("itest"))}, nil
}

// call sends a request at its version and decodes the answer.
func (c *conn) call(req kmsg.Request) (kmsg.Response, error) {
	c.last++
	if _, err := c.Write(c.format.AppendRequest(nil, req, c.last)); err != nil {
		return nil, err
	}
	body, err := c.frame()
	if err != nil {
		return nil, err
	}
	resp := req.ResponseKind()
	if resp.IsFlexible() && resp.Key() != apiVersions { // ApiVersions always has the old header
		if len(body) == 0 || body[0] != 0 {
			return nil, fmt.Errorf("header of the answer has tags")
		}
		body = body[1:]
	}
	return resp, resp.ReadFrom(body)
}

const apiVersions = 18

// frame reads one answer and returns what follows its correlation id.
func (c *conn) frame() ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return nil, err
	}
	n, id := int32(binary.BigEndian.Uint32(head[:])), int32(binary.BigEndian.Uint32(head[4:]))
	if n < 4 || n > 64<<20 || id != c.last {
		return nil, fmt.Errorf("answer of %d bytes to request %d, expected one to %d", n, id, c.last)
	}
	body := make([]byte, n-4)
	_, err := io.ReadFull(c, body)
	return body, err
}

// closedByPeer reads to the end and reports how many bytes came before it. A
// connection that stays open fails by its deadline.
func (c *conn) closedByPeer(t *testing.T) {
	t.Helper()
	n, err := io.Copy(io.Discard, c)
	require.False(t, isTimeout(err), "the broker must close the connection; it kept it open")
	require.Zero(t, n, "the broker must answer nothing")
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error) //nolint:errorlint // net's own errors come unwrapped
	return ok && e.Timeout()
}

// batch is a record batch (magic 2) of the values, without compression:
//
//	0 base offset 8 | 8 length 4 | 12 leader epoch 4 | 16 magic 1 | 17 CRC-32C of all from 21 | 21 attributes 2 |
//	23 last delta 4 | 27 first time 8 | 35 max time 8 | 43 producer 8, 2, 4 | 57 count 4 | 61 records
func batch(values ...string) []byte {
	now := time.Now().UnixMilli()
	b := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: int32(len(values) - 1),
		FirstTimestamp: now, MaxTimestamp: now,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(values)),
	}
	for i, v := range values {
		b.Records = append(b.Records, record(i, v)...)
	}
	return seal(b.AppendTo(nil))
}

// seal sets length and CRC of an encoded batch.
func seal(b []byte) []byte {
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func record(delta int, value string) []byte {
	body := []byte{0, 0} // attributes, timestamp delta
	body = binary.AppendVarint(body, int64(delta))
	body = append(body, 1) // a null key: length -1 in zigzag
	body = binary.AppendVarint(body, int64(len(value)))
	body = append(append(body, value...), 0) // no headers
	return append(binary.AppendVarint(nil, int64(len(body))), body...)
}

// produce sends records to one partition at Produce v9, acks=all.
func (c *conn) produce(topic string, partition int32, records []byte) (kmsg.ProduceResponseTopicPartition, error) {
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = 9, -1, 30_000
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, records
	in := kmsg.NewProduceRequestTopic()
	in.Topic, in.Partitions = topic, append(in.Partitions, p)
	req.Topics = append(req.Topics, in)
	resp, err := c.call(req)
	if err != nil {
		return kmsg.ProduceResponseTopicPartition{}, err
	}
	return resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0], nil
}

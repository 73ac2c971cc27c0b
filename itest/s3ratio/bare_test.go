package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidelog/tide/broker/object"
)

// memory is a store of objects by key.
type memory map[string][]byte

func (m memory) List(context.Context) (out []stored, err error) {
	for key, p := range m {
		id, _ := object.KeyID(key)
		out = append(out, stored{key: key, id: id, size: int64(len(p))})
	}
	return out, nil
}

func (m memory) Get(_ context.Context, key string, pos int64, p []byte) error {
	if pos < 0 || pos+int64(len(p)) > int64(len(m[key])) {
		return errors.New("out of range")
	}
	copy(p, m[key][pos:])
	return nil
}

// put makes an object of batches with one record each, [from, to) of each
// stream, whose values name stream and offset.
func (m memory) put(t *testing.T, id int64, block int, from, to int64, streams ...int64) {
	w := object.NewWriter(block)
	for _, s := range streams {
		for offset := from; offset < to; offset++ {
			payload := kafkaBatch(offset, fmt.Sprint(s, "/", offset))
			require.NoError(t, w.Add(object.AppendBatch(nil, object.RecordBatch{StreamID: s, BaseOffset: offset, Count: 1, Payload: payload})))
		}
	}
	layout, err := w.Finish()
	require.NoError(t, err)
	var all []byte
	for _, p := range layout.Body {
		all = append(all, p...)
	}
	m[object.Key("DEFAULT", id)] = all
}

// kafkaBatch is one record in a batch, as a producer makes it.
func kafkaBatch(offset int64, value string) []byte {
	r := kmsg.Record{Value: []byte(value)}
	r.Length = int32(len(r.AppendTo(nil)) - 1) // a length below 64 takes one byte
	b := kmsg.RecordBatch{FirstOffset: offset, Magic: 2, NumRecords: 1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, Records: r.AppendTo(nil)}
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	p := b.AppendTo(nil)
	binary.BigEndian.PutUint32(p[17:], crcOf(p[21:]))
	return p
}

func crcOf(p []byte) uint32 { return crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)) }

// faced serves streams of a store until the test ends; failed gives its end.
func faced(t *testing.T, s store, get, places int, streams ...int64) (addr string, failed chan error) {
	plans, err := plan(t.Context(), s, streams, get)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f, err := newFace("t", l.Addr().String(), s, plans, places)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	failed = make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		failed <- serve(ctx, l, f)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return l.Addr().String(), failed
}

func consumer(t *testing.T, addr string, from map[int32]int64, more ...kgo.Opt) *kgo.Client {
	offsets := map[int32]kgo.Offset{}
	for p, o := range from {
		offsets[p] = kgo.NewOffset().At(o)
	}
	cl, err := kgo.NewClient(append(more, kgo.SeedBrokers(addr), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"t": offsets}))...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// TestBareServesAll: two streams over three objects, in blocks and GETs of
// several sizes, with fewer slots than spans; franz-go checks each batch's CRC.
func TestBareServesAll(t *testing.T) {
	for _, block := range []int{1, 300, 1 << 20} {
		m := memory{}
		m.put(t, 1, block, 0, 40, 7, 9)
		m.put(t, 2, block, 40, 90, 7, 8)
		m.put(t, 3, block, 40, 100, 9)
		addr, _ := faced(t, m, 700, 4, 9, 7)
		cl := consumer(t, addr, map[int32]int64{0: 0, 1: 0}, kgo.FetchMaxPartitionBytes(1000))
		next := map[int32]int64{}
		for next[0] < 100 || next[1] < 90 {
			fetches := cl.PollFetches(t.Context())
			require.NoError(t, fetches.Err())
			fetches.EachRecord(func(r *kgo.Record) {
				require.Equal(t, next[r.Partition], r.Offset)
				require.Equal(t, fmt.Sprint([]int64{9, 7}[r.Partition], "/", r.Offset), string(r.Value))
				next[r.Partition]++
			})
		}
	}
}

// TestBareRefusesToGoBack: its slots are used again, so that it would send
// something else.
func TestBareRefusesToGoBack(t *testing.T) {
	m := memory{}
	m.put(t, 1, 300, 0, 10, 7)
	addr, failed := faced(t, m, 700, 1, 7)
	consumer(t, addr, map[int32]int64{0: 5})
	require.ErrorContains(t, <-failed, "partition 0: asked for offset 5, where 0 comes next")
}

// TestBareEndsWithABadBlock: nothing of it is sent.
func TestBareEndsWithABadBlock(t *testing.T) {
	m := memory{}
	m.put(t, 1, 300, 0, 10, 7)
	m[object.Key("DEFAULT", 1)][0]++
	addr, failed := faced(t, m, 700, 1, 7)
	consumer(t, addr, map[int32]int64{0: 0})
	require.ErrorIs(t, <-failed, object.ErrCorrupt)
}

func TestPlan(t *testing.T) {
	m := memory{}
	m.put(t, 1, 1, 0, 10, 7, 8)
	m.put(t, 2, 1, 10, 15, 7)
	plans, err := plan(t.Context(), m, []int64{8, 7}, 3*len(kafkaBatch(0, "7/0"))+200)
	require.NoError(t, err)
	require.Len(t, plans, 2)
	for i, ends := range []int64{10, 15} {
		var next int64
		for _, s := range plans[i] {
			size := 0
			for _, e := range s.blocks {
				require.Equal(t, next, e.StartOffset)
				require.Equal(t, s.position+int64(size), e.Position)
				next, size = e.EndOffset(), size+int(e.Size)
			}
			require.Equal(t, size, s.size)
		}
		require.Equal(t, ends, next)
	}
	require.Less(t, len(plans[0]), 10, "adjacent blocks share a GET")

	_, err = plan(t.Context(), m, []int64{6}, 1)
	require.ErrorContains(t, err, "stream 6 is in no object")
	delete(m, object.Key("DEFAULT", 1))
	_, err = plan(t.Context(), m, []int64{7}, 1)
	require.ErrorContains(t, err, "a block of offsets from 10 where 0 comes next")
	m[object.Key("DEFAULT", 1)] = make([]byte, 100)
	_, err = plan(t.Context(), m, []int64{7}, 1)
	require.ErrorIs(t, err, object.ErrCorrupt)
}

// TestFaceRefuses what no reader of this comparison asks for.
func TestFaceRefuses(t *testing.T) {
	m := memory{}
	m.put(t, 1, 300, 0, 10, 7)
	addr, failed := faced(t, m, 700, 1, 7)
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RequestRetries(0))
	require.NoError(t, err)
	defer cl.Close()
	ends := kmsg.NewPtrListOffsetsRequest()
	part := kmsg.NewListOffsetsRequestTopicPartition()
	part.Timestamp = -1
	ends.Topics = append(ends.Topics, kmsg.ListOffsetsRequestTopic{Topic: "t", Partitions: []kmsg.ListOffsetsRequestTopicPartition{part}})
	got, err := ends.RequestWith(t.Context(), cl)
	require.NoError(t, err)
	require.EqualValues(t, 10, got.Topics[0].Partitions[0].Offset)

	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Write([]byte{0, 0, 0, 10, 0, 0, 0, 7, 0, 0, 0, 1, 0xff, 0xff}) // Produce
	require.NoError(t, err)
	require.ErrorContains(t, <-failed, "API 0")
}

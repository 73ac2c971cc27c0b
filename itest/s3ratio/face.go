package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The APIs that a client without a group needs to read. Fetch 11 is the last
// that is not flexible: its answer is put together by hand.
const (
	keyFetch       = 1
	keyListOffsets = 2
	keyMetadata    = 3
	keyVersions    = 18
	fetchVersion   = 11
)

// versions that are understood, lowest and highest.
var versions = map[int16][2]int16{
	keyFetch: {fetchVersion, fetchVersion}, keyListOffsets: {1, 5}, keyMetadata: {1, 8}, keyVersions: {0, 3},
}

// face is what a Kafka client sees of the lanes: one topic on one broker. Its
// methods are for one connection at a time, but for moved.
type face struct {
	topic string
	host  string
	port  int32
	lanes []*lane
	wake  chan struct{} // cap 1: a span has come

	store   store
	started bool
	reading sync.WaitGroup // of the lanes
}

func newFace(topic, addr string, s store, plans [][]span, places int) (*face, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		return nil, err
	}
	f := &face{topic: topic, host: host, port: int32(n), store: s, wake: make(chan struct{}, 1)}
	for _, p := range plans {
		f.lanes = append(f.lanes, newLane(p, max(1, places/len(plans))))
	}
	return f, nil
}

// start begins to read, at the first fetch and not before it.
func (f *face) start(ctx context.Context) {
	if f.started {
		return
	}
	f.started = true
	for _, l := range f.lanes {
		f.reading.Go(func() { l.run(ctx, f.store, f.moved) })
	}
}

func (f *face) moved() {
	select {
	case f.wake <- struct{}{}:
	default: // a wake is pending
	}
}

// answer all but Fetch.
func (f *face) answer(req kmsg.Request) (kmsg.Response, error) {
	resp := req.ResponseKind()
	resp.SetVersion(req.GetVersion())
	switch r := resp.(type) {
	case *kmsg.ApiVersionsResponse:
		for key, v := range versions {
			r.ApiKeys = append(r.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: key, MinVersion: v[0], MaxVersion: v[1]})
		}
	case *kmsg.MetadataResponse:
		f.metadata(r)
	case *kmsg.ListOffsetsResponse:
		f.listOffsets(req.(*kmsg.ListOffsetsRequest), r)
	default:
		return nil, fmt.Errorf("a client asks for API %d, which a reader without a group does not need", req.Key())
	}
	return resp, nil
}

func (f *face) metadata(r *kmsg.MetadataResponse) {
	r.Brokers = []kmsg.MetadataResponseBroker{{NodeID: 1, Host: f.host, Port: f.port}}
	r.ControllerID = 1
	t := kmsg.NewMetadataResponseTopic()
	t.Topic = &f.topic
	for i := range f.lanes {
		p := kmsg.NewMetadataResponseTopicPartition()
		p.Partition, p.Leader, p.LeaderEpoch = int32(i), 1, -1
		p.Replicas, p.ISR = []int32{1}, []int32{1}
		t.Partitions = append(t.Partitions, p)
	}
	r.Topics = append(r.Topics, t)
}

// listOffsets answers with the end for "latest", and else with the start.
func (f *face) listOffsets(req *kmsg.ListOffsetsRequest, r *kmsg.ListOffsetsResponse) {
	const latest = -1
	for _, t := range req.Topics {
		out := kmsg.NewListOffsetsResponseTopic()
		out.Topic = t.Topic
		for _, p := range t.Partitions {
			one := kmsg.NewListOffsetsResponseTopicPartition()
			one.Partition, one.Offset = p.Partition, 0
			switch {
			case !f.has(t.Topic, p.Partition):
				one.ErrorCode = kerr.UnknownTopicOrPartition.Code
			case p.Timestamp == latest:
				one.Offset = f.lanes[p.Partition].end
			}
			out.Partitions = append(out.Partitions, one)
		}
		r.Topics = append(r.Topics, out)
	}
}

func (f *face) has(topic string, partition int32) bool {
	return topic == f.topic && partition >= 0 && int(partition) < len(f.lanes)
}

// read is what one fetch brings of one partition.
type read struct {
	partition int32
	end       int64
	batches   [][]byte
	bytes     int
}

// fetch waits until there is something of what is asked for, at most for as
// long as the client would wait.
func (f *face) fetch(ctx context.Context, req *kmsg.FetchRequest) ([]read, error) {
	f.start(ctx)
	limit := time.NewTimer(time.Duration(req.MaxWaitMillis) * time.Millisecond)
	defer limit.Stop()
	for {
		out, n, err := f.gather(req)
		if n > 0 || err != nil {
			return out, err
		}
		select {
		case <-f.wake:
		case <-limit.C:
			return out, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// gather takes what is there, within the limits of the client.
func (f *face) gather(req *kmsg.FetchRequest) (out []read, n int, err error) {
	if len(req.Topics) != 1 {
		return nil, 0, errors.New("a fetch of other than one topic")
	}
	for _, p := range req.Topics[0].Partitions {
		if !f.has(req.Topics[0].Topic, p.Partition) {
			return nil, 0, fmt.Errorf("a fetch of %s/%d, which is not here", req.Topics[0].Topic, p.Partition)
		}
		l := f.lanes[p.Partition]
		r := read{partition: p.Partition, end: l.end}
		if room := int(req.MaxBytes) - n; room > 0 {
			if r.batches, r.bytes, err = l.take(nil, p.FetchOffset, min(room, int(p.PartitionMaxBytes))); err != nil {
				return nil, 0, fmt.Errorf("partition %d: %w", p.Partition, err)
			}
		}
		n += r.bytes
		out = append(out, r)
	}
	return out, n, nil
}

// written gives back what the answer that has been sent was made of.
func (f *face) written() {
	for _, l := range f.lanes {
		l.written()
	}
}

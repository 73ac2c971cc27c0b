package wire

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ListOffsets, v1–11
//
//	v1   one offset and its timestamp in place of a list
//	v2   isolation level, throttle time (KIP-98)
//	v4   leader epochs (KIP-320)
//	v6   flexible
//	v7   timestamp −3: the record with the largest timestamp (KIP-734)
//	v8   timestamp −4: the first offset on local disk (KIP-405)
//	v9   timestamp −5: the last offset in remote storage (KIP-1005)
//	v10  timeout
//	v11  timestamp −6: the first offset not yet in remote storage (KIP-1023)
//
// What −4 to −6 ask for is tiered storage, which in Kafka is switched on per
// topic. Ours counts as switched off: −4 is the log start, −5 and −6 are
// unknown.

const (
	timestampLatest        = -1
	timestampEarliest      = -2
	timestampMax           = -3
	timestampEarliestLocal = -4
	timestampLatestTiered  = -5
	timestampPendingUpload = -6
)

func init() {
	register(&api{
		name: "ListOffsets", key: 2, min: 1, max: 11, flexible: 6,
		body: []field{
			fixed(4),          // replica id
			fixed(1).since(2), // isolation level
			array(text(), array(
				fixed(4),          // partition
				fixed(4).since(4), // leader epoch
				fixed(8),          // timestamp
			)),
			fixed(4).since(10), // timeout
		},
		serve: serveKmsg(listOffsets),
	})
}

func listOffsets(c *conn, r *request, req *kmsg.ListOffsetsRequest) *kmsg.ListOffsetsResponse {
	resp := kmsg.NewPtrListOffsetsResponse()
	resp.Topics = make([]kmsg.ListOffsetsResponseTopic, 0, len(req.Topics))
	for _, t := range req.Topics {
		out := kmsg.NewListOffsetsResponseTopic()
		out.Topic = t.Topic
		out.Partitions = make([]kmsg.ListOffsetsResponseTopicPartition, 0, len(t.Partitions))
		for _, p := range t.Partitions {
			out.Partitions = append(out.Partitions, c.listOffset(r.version, t.Topic, &p, req.IsolationLevel == 1))
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

func (c *conn) listOffset(version int16, topic string, p *kmsg.ListOffsetsRequestTopicPartition, committed bool) kmsg.ListOffsetsResponseTopicPartition {
	out := kmsg.NewListOffsetsResponseTopicPartition()
	out.Partition = p.Partition
	target, err := c.srv.cfg.Partitions.Get(topic, p.Partition)
	if err == nil {
		err = checkEpoch(target, p.CurrentLeaderEpoch)
	}
	if err == nil {
		out.Offset, out.Timestamp, err = c.offsetFor(version, target, p.Timestamp, committed)
	}
	if out.ErrorCode = c.codeAt(err, place{topic, p.Partition, -1}); err != nil {
		out.Offset, out.Timestamp = -1, -1
	} else if out.Offset >= 0 {
		out.LeaderEpoch = epochAt(target, out.Offset)
	}
	return out
}

// offsetFor serves the timestamps that need no look at records itself.
func (c *conn) offsetFor(version int16, p Partition, timestamp int64, committed bool) (offset, ts int64, err error) {
	switch {
	case timestamp == timestampMax && version < 7,
		timestamp == timestampEarliestLocal && version < 8,
		timestamp == timestampLatestTiered && version < 9,
		timestamp == timestampPendingUpload && version < 11,
		timestamp < timestampPendingUpload:
		return -1, -1, kerr.UnsupportedVersion
	case timestamp == timestampLatest && committed:
		return p.LastStableOffset(), -1, nil
	case timestamp == timestampEarliestLocal:
		return p.LogStartOffset(), -1, nil
	case timestamp == timestampLatestTiered, timestamp == timestampPendingUpload:
		return -1, -1, nil
	}
	return p.OffsetForTime(c.ctx, timestamp)
}

// epochAt is the leader epoch of an offset; that of the end of the log, which
// has no record yet, is the leader's own.
func epochAt(p Partition, offset int64) int32 {
	if offset >= p.HighWatermark() {
		return p.LeaderEpoch()
	}
	return p.EpochAt(offset)
}

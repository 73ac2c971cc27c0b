package wire

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DeleteRecords, v0–2
//
//	v2  flexible
//
// Answered when the new log start is durable. Offset −1 stands for the high
// watermark. What it deletes that is in no object yet is uploaded first.

func init() {
	register(&api{
		name: "DeleteRecords", key: 21, min: 0, max: 2, flexible: 2,
		body: []field{
			array(text(), array(
				fixed(4), // partition
				fixed(8), // offset
			)),
			fixed(4), // timeout
		},
		serve: serveKmsg(deleteRecords),
	})
}

func deleteRecords(c *conn, _ *request, req *kmsg.DeleteRecordsRequest) *kmsg.DeleteRecordsResponse {
	resp := kmsg.NewPtrDeleteRecordsResponse()
	resp.Topics = make([]kmsg.DeleteRecordsResponseTopic, 0, len(req.Topics))
	ctx, cancel := c.within(req.TimeoutMillis)
	defer cancel()
	for _, t := range req.Topics {
		out := kmsg.NewDeleteRecordsResponseTopic()
		out.Topic = t.Topic
		out.Partitions = make([]kmsg.DeleteRecordsResponseTopicPartition, 0, len(t.Partitions))
		for _, p := range t.Partitions {
			one := kmsg.NewDeleteRecordsResponseTopicPartition()
			one.Partition, one.LowWatermark = p.Partition, -1
			target, err := c.srv.cfg.Partitions.Get(t.Topic, p.Partition)
			if err == nil {
				one.LowWatermark, err = target.DeleteRecords(ctx, p.Offset)
			}
			one.ErrorCode = c.codeAt(err, place{t.Topic, p.Partition, p.Offset})
			out.Partitions = append(out.Partitions, one)
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

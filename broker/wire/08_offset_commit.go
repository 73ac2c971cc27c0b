package wire

import "github.com/twmb/franz-go/pkg/kmsg"

// OffsetCommit, v2–10
//
//	v3   throttle time
//	v5   retention time is gone (KIP-211)
//	v6   leader epochs (KIP-320)
//	v7   static members (KIP-345)
//	v8   flexible
//	v9   members of KIP-848 groups: STALE_MEMBER_EPOCH
//	v10  topic ids in place of names (KIP-848)
//
// Answered when the offsets are durable; the reader waits for it, as every
// client does too.

func init() {
	register(&api{
		name: "OffsetCommit", key: 8, min: 2, max: 10, flexible: 8,
		body: []field{
			text(),                     // group
			fixed(4),                   // generation
			text(),                     // member
			text().since(7),            // static member
			fixed(8).since(2).until(4), // retention
			array(
				text().until(9), fixed(16).since(10), // topic
				array(
					fixed(4),          // partition
					fixed(8),          // offset
					fixed(4).since(6), // leader epoch
					text(),            // metadata
				)),
		},
		serve: serveKmsg(func(c *conn, _ *request, req *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitResponse {
			return c.srv.cfg.Groups.OffsetCommit(c.ctx, req)
		}),
	})
}

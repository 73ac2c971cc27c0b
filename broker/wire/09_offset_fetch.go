package wire

import "github.com/twmb/franz-go/pkg/kmsg"

// OffsetFetch, v1–10
//
//	v2   null topics mean all; error code of the group
//	v3   throttle time
//	v5   leader epochs (KIP-320)
//	v6   flexible
//	v7   require stable: UNSTABLE_OFFSET_COMMIT during a transaction (KIP-447)
//	v8   many groups (KIP-709)
//	v9   members of KIP-848 groups
//	v10  topic ids in place of names (KIP-848)

func init() {
	register(&api{
		name: "OffsetFetch", key: 9, min: 1, max: 10, flexible: 6,
		body: []field{
			text().until(7), // group
			array(text(), list(fixed(4))).until(7),
			array(
				text(),            // group
				text().since(9),   // member
				fixed(4).since(9), // member epoch
				array(
					text().until(9), fixed(16).since(10), // topic
					list(fixed(4)), // partitions
				),
			).since(8),
			fixed(1).since(7), // require stable
		},
		serve: serveKmsg(func(c *conn, _ *request, req *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse {
			return c.srv.cfg.Groups.OffsetFetch(c.ctx, req)
		}),
	})
}

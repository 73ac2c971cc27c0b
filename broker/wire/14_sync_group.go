package wire

import "github.com/twmb/franz-go/pkg/kmsg"

// SyncGroup, v0–5
//
//	v1  throttle time
//	v3  static members (KIP-345)
//	v4  flexible
//	v5  protocol type and name, both ways (KIP-559)
//
// The reader waits until the group's leader has sent the assignment.

func init() {
	register(&api{
		name: "SyncGroup", key: 14, min: 0, max: 5, flexible: 4,
		body: []field{
			text(),                // group
			fixed(4),              // generation
			text(),                // member
			text().since(3),       // static member
			text().since(5),       // protocol type
			text().since(5),       // protocol
			array(text(), blob()), // assignment
		},
		serve: serveKmsg(func(c *conn, _ *request, req *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse {
			return c.srv.cfg.Groups.Sync(c.ctx, req)
		}),
	})
}

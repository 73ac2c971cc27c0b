package wire

import "github.com/twmb/franz-go/pkg/kmsg"

// LeaveGroup, v0–5
//
//	v1  throttle time
//	v3  many members, static ones too (KIP-345)
//	v4  flexible
//	v5  reason (KIP-800)

func init() {
	register(&api{
		name: "LeaveGroup", key: 13, min: 0, max: 5, flexible: 4,
		body: []field{
			text(),          // group
			text().until(2), // member
			array(text(), text(), text().since(5)).since(3), // member, static member, reason
		},
		serve: serveKmsg(func(c *conn, _ *request, req *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse {
			return c.srv.cfg.Groups.Leave(c.ctx, req)
		}),
	})
}

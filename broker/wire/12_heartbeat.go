package wire

import "github.com/twmb/franz-go/pkg/kmsg"

// Heartbeat, v0–4
//
//	v1  throttle time
//	v3  static members (KIP-345)
//	v4  flexible

func init() {
	register(&api{
		name: "Heartbeat", key: 12, min: 0, max: 4, flexible: 4,
		body: []field{
			text(),          // group
			fixed(4),        // generation
			text(),          // member
			text().since(3), // static member
		},
		serve: serveKmsg(func(c *conn, _ *request, req *kmsg.HeartbeatRequest) *kmsg.HeartbeatResponse {
			return c.srv.cfg.Groups.Heartbeat(c.ctx, req)
		}),
	})
}

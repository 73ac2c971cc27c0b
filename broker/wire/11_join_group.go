package wire

import (
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// JoinGroup, v0–9
//
//	v1  rebalance timeout
//	v2  throttle time
//	v4  MEMBER_ID_REQUIRED for new members (KIP-394)
//	v5  static members (KIP-345)
//	v6  flexible
//	v7  protocol type in the answer (KIP-559)
//	v8  reason (KIP-800)
//	v9  a static leader may skip the assignment (KIP-814)
//
// The reader waits until the generation is formed; heartbeats of the member
// come later anyway.

func init() {
	register(&api{
		name: "JoinGroup", key: 11, min: 0, max: 9, flexible: 6,
		body: []field{
			text(),                // group
			fixed(4),              // session timeout
			fixed(4).since(1),     // rebalance timeout
			text(),                // member
			text().since(5),       // static member
			text(),                // protocol type
			array(text(), blob()), // protocols
			text().since(8),       // reason
		},
		serve: serveKmsg(func(c *conn, r *request, req *kmsg.JoinGroupRequest) *kmsg.JoinGroupResponse {
			return c.srv.cfg.Groups.Join(c.ctx, req, string(r.clientID), c.host())
		}),
	})
}

// host is the client's address, as Kafka shows it.
func (c *conn) host() string {
	host, _, err := net.SplitHostPort(c.remote)
	if err != nil {
		host = c.remote
	}
	return "/" + host
}

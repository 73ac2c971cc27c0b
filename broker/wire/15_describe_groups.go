package wire

import "github.com/twmb/franz-go/pkg/kmsg"

// DescribeGroups, v0–6
//
//	v1  throttle time
//	v3  which operations the client may do (KIP-430); not asked of anything here
//	v4  static members (KIP-345)
//	v5  flexible
//	v6  GROUP_ID_NOT_FOUND, error message (KIP-1043); before, such a group is Dead

func init() {
	register(&api{
		name: "DescribeGroups", key: 15, min: 0, max: 6, flexible: 5,
		body: []field{
			list(text()),      // groups
			fixed(1).since(3), // authorized operations
		},
		serve: serveKmsg(func(c *conn, _ *request, req *kmsg.DescribeGroupsRequest) *kmsg.DescribeGroupsResponse {
			return c.srv.cfg.Groups.DescribeGroups(c.ctx, req)
		}),
	})
}

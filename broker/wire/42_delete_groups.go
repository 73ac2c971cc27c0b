package wire

import "github.com/twmb/franz-go/pkg/kmsg"

// DeleteGroups, v0–2
//
//	v1  throttle time
//	v2  flexible
//
// Answered when the deletion is durable. A group with members is
// NON_EMPTY_GROUP.

func init() {
	register(&api{
		name: "DeleteGroups", key: 42, min: 0, max: 2, flexible: 2,
		body: []field{
			list(text()), // groups
		},
		serve: serveKmsg(func(c *conn, _ *request, req *kmsg.DeleteGroupsRequest) *kmsg.DeleteGroupsResponse {
			return c.srv.cfg.Groups.DeleteGroups(c.ctx, req)
		}),
	})
}

package wire

import "github.com/twmb/franz-go/pkg/kmsg"

// ListGroups, v0–5
//
//	v1  throttle time
//	v3  flexible
//	v4  filter by state, state in the answer (KIP-518)
//	v5  filter by type, type in the answer (KIP-848)

func init() {
	register(&api{
		name: "ListGroups", key: 16, min: 0, max: 5, flexible: 3,
		body: []field{
			list(text()).since(4), // states
			list(text()).since(5), // types
		},
		serve: serveKmsg(func(c *conn, _ *request, req *kmsg.ListGroupsRequest) *kmsg.ListGroupsResponse {
			return c.srv.cfg.Groups.ListGroups(c.ctx, req)
		}),
	})
}

package wire

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// FindCoordinator, v0–6
//
//	v1  type of the key: group or transaction; throttle time, error message
//	v3  flexible
//	v4  many keys (KIP-699)
//	v5  transactions of KIP-890: TRANSACTION_ABORTABLE
//	v6  share groups (KIP-932)
//
// This broker coordinates every group. Other kinds of key are INVALID_REQUEST
// with a text: clients show it and give up, where COORDINATOR_NOT_AVAILABLE
// would keep them trying.

const coordinatesGroups = 0

func init() {
	register(&api{
		name: "FindCoordinator", key: 10, min: 0, max: 6, flexible: 3,
		body: []field{
			text().until(3),       // key
			fixed(1).since(1),     // type
			list(text()).since(4), // keys
		},
		serve: serveKmsg(findCoordinator),
	})
}

func findCoordinator(c *conn, r *request, req *kmsg.FindCoordinatorRequest) *kmsg.FindCoordinatorResponse {
	resp := kmsg.NewPtrFindCoordinatorResponse()
	resp.Coordinators = make([]kmsg.FindCoordinatorResponseCoordinator, 0, len(req.CoordinatorKeys))
	if r.version < 4 {
		one := c.coordinator(req.CoordinatorType, req.CoordinatorKey)
		resp.ErrorCode, resp.ErrorMessage = one.ErrorCode, one.ErrorMessage
		resp.NodeID, resp.Host, resp.Port = one.NodeID, one.Host, one.Port
		return resp
	}
	for _, key := range req.CoordinatorKeys {
		resp.Coordinators = append(resp.Coordinators, c.coordinator(req.CoordinatorType, key))
	}
	return resp
}

func (c *conn) coordinator(kind int8, key string) kmsg.FindCoordinatorResponseCoordinator {
	out := kmsg.NewFindCoordinatorResponseCoordinator()
	out.Key, out.NodeID, out.Port = key, -1, -1
	refuse := func(err *kerr.Error, text string) kmsg.FindCoordinatorResponseCoordinator {
		out.ErrorCode, out.ErrorMessage = err.Code, &text
		return out
	}
	if kind != coordinatesGroups {
		return refuse(kerr.InvalidRequest, "only consumer groups have a coordinator here: transactions and share groups are not supported")
	}
	for _, b := range c.srv.cfg.Cluster.Brokers() {
		if b.ID == c.srv.cfg.NodeID {
			out.NodeID, out.Host, out.Port = b.ID, b.Host, b.Port
			return out
		}
	}
	return refuse(kerr.CoordinatorNotAvailable, "the broker is not registered yet")
}

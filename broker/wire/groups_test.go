package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What the tools for groups ask, at every version: the request reaches the
// coordinator whole, and its answer the client.
func TestGroupsAreAdministered(t *testing.T) {
	h := newHarness(t, nil)
	c := h.dial()
	for version := int16(0); version <= 6; version++ {
		req := kmsg.NewPtrDescribeGroupsRequest()
		req.Version, req.Groups, req.IncludeAuthorizedOperations = version, []string{"a", "b"}, true
		resp := c.ask(req).(*kmsg.DescribeGroupsResponse)
		require.Len(t, resp.Groups, 2)
		require.Equal(t, "b", resp.Groups[1].Group)
		require.Equal(t, "partitions", string(resp.Groups[1].Members[0].MemberAssignment))
	}
	for version := int16(0); version <= 5; version++ {
		req := kmsg.NewPtrListGroupsRequest()
		req.Version, req.StatesFilter = version, []string{"Stable"}
		resp := c.ask(req).(*kmsg.ListGroupsResponse)
		if version < 4 {
			require.Len(t, resp.Groups, 1, "no filter yet")
			continue
		}
		require.Equal(t, "Stable", resp.Groups[1].GroupState)
		require.Equal(t, version >= 5, resp.Groups[1].GroupType == "classic")
	}
	for version := int16(0); version <= 2; version++ {
		req := kmsg.NewPtrDeleteGroupsRequest()
		req.Version, req.Groups = version, []string{"a", "b"}
		resp := c.ask(req).(*kmsg.DeleteGroupsResponse)
		require.Len(t, resp.Groups, 2)
		require.Equal(t, kerr.NonEmptyGroup.Code, resp.Groups[1].ErrorCode)
	}
}

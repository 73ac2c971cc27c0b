package wire

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fakeGroups echoes enough to see that the right method was reached. A join of
// the group "slow" waits until joined is closed.
type fakeGroups struct{ joined chan struct{} }

func (g *fakeGroups) Join(ctx context.Context, req *kmsg.JoinGroupRequest, clientID, clientHost string) *kmsg.JoinGroupResponse {
	if req.Group == "slow" {
		select {
		case <-g.joined:
		case <-ctx.Done():
		}
	}
	resp := kmsg.NewPtrJoinGroupResponse()
	resp.MemberID = clientID + clientHost
	return resp
}

func (g *fakeGroups) Sync(context.Context, *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse {
	return kmsg.NewPtrSyncGroupResponse()
}

func (g *fakeGroups) Heartbeat(context.Context, *kmsg.HeartbeatRequest) *kmsg.HeartbeatResponse {
	return kmsg.NewPtrHeartbeatResponse()
}

func (g *fakeGroups) Leave(context.Context, *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse {
	return kmsg.NewPtrLeaveGroupResponse()
}

func (g *fakeGroups) OffsetCommit(_ context.Context, req *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitResponse {
	return kmsg.NewPtrOffsetCommitResponse()
}

func (g *fakeGroups) OffsetFetch(context.Context, *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse {
	return kmsg.NewPtrOffsetFetchResponse()
}

func (g *fakeGroups) DescribeGroups(_ context.Context, req *kmsg.DescribeGroupsRequest) *kmsg.DescribeGroupsResponse {
	resp := kmsg.NewPtrDescribeGroupsResponse()
	for _, id := range req.Groups {
		one := kmsg.NewDescribeGroupsResponseGroup()
		one.Group, one.State = id, "Stable"
		m := kmsg.NewDescribeGroupsResponseGroupMember()
		m.MemberID, m.ClientHost, m.ProtocolMetadata, m.MemberAssignment = "m", "/h", []byte("topics"), []byte("partitions")
		one.Members = append(one.Members, m)
		resp.Groups = append(resp.Groups, one)
	}
	return resp
}

func (g *fakeGroups) ListGroups(_ context.Context, req *kmsg.ListGroupsRequest) *kmsg.ListGroupsResponse {
	resp := kmsg.NewPtrListGroupsResponse()
	for _, state := range append([]string{"Empty"}, req.StatesFilter...) {
		resp.Groups = append(resp.Groups, kmsg.ListGroupsResponseGroup{Group: "g", ProtocolType: "consumer", GroupState: state, GroupType: "classic"})
	}
	return resp
}

func (g *fakeGroups) DeleteGroups(_ context.Context, req *kmsg.DeleteGroupsRequest) *kmsg.DeleteGroupsResponse {
	resp := kmsg.NewPtrDeleteGroupsResponse()
	for _, id := range req.Groups {
		resp.Groups = append(resp.Groups, kmsg.DeleteGroupsResponseGroup{Group: id, ErrorCode: kerr.NonEmptyGroup.Code})
	}
	return resp
}

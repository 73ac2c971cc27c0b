package group

import (
	"cmp"
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeGroups serves DescribeGroups: v4 instance ids, v6 GROUP_ID_NOT_FOUND
// (KIP-1043), before which a group that is not there is Dead.
func (c *Coordinator) DescribeGroups(_ context.Context, req *kmsg.DescribeGroupsRequest) *kmsg.DescribeGroupsResponse {
	r := req.ResponseKind().(*kmsg.DescribeGroupsResponse)
	r.Groups = make([]kmsg.DescribeGroupsResponseGroup, 0, len(req.Groups))
	for _, id := range req.Groups {
		r.Groups = append(r.Groups, c.describe(req.Version, id))
	}
	return r
}

func (c *Coordinator) describe(version int16, id string) kmsg.DescribeGroupsResponseGroup {
	out := kmsg.NewDescribeGroupsResponseGroup()
	out.Group, out.Members = id, []kmsg.DescribeGroupsResponseGroupMember{}
	if err := c.unready(); err != nil {
		out.ErrorCode = err.Code
		return out
	}
	g := c.lockedIfThere(id)
	if g == nil {
		out.State = Dead.String()
		if version >= 6 {
			out.ErrorCode = kerr.GroupIDNotFound.Code
			text := "group " + id + " does not exist"
			out.ErrorMessage = &text
		}
		return out
	}
	defer g.mu.Unlock()
	out.State, out.ProtocolType = g.state.String(), g.protocolType
	formed := g.state == Stable
	if formed {
		out.Protocol = g.protocol
	}
	for _, m := range g.ordered() {
		d := kmsg.DescribeGroupsResponseGroupMember{
			MemberID: m.id, InstanceID: m.instance, ClientID: m.clientID, ClientHost: m.clientHost,
			ProtocolMetadata: []byte{}, MemberAssignment: []byte{},
		}
		if formed {
			d.ProtocolMetadata = m.metadata(g.protocol)
			d.MemberAssignment = append(d.MemberAssignment, m.assignment...)
		}
		out.Members = append(out.Members, d)
	}
	return out
}

// ListGroups serves ListGroups: v4 filter by state, v5 by type.
func (c *Coordinator) ListGroups(_ context.Context, req *kmsg.ListGroupsRequest) *kmsg.ListGroupsResponse {
	r := req.ResponseKind().(*kmsg.ListGroupsResponse)
	r.Groups = []kmsg.ListGroupsResponseGroup{}
	if err := c.unready(); err != nil {
		r.ErrorCode = err.Code
		return r
	}
	for _, g := range c.all() {
		g.mu.Lock()
		one := kmsg.ListGroupsResponseGroup{Group: g.id, ProtocolType: g.protocolType, GroupState: g.state.String(), GroupType: "classic"}
		g.mu.Unlock()
		if one.GroupState != Dead.String() && passes(req.StatesFilter, one.GroupState) && passes(req.TypesFilter, one.GroupType) {
			r.Groups = append(r.Groups, one)
		}
	}
	slices.SortFunc(r.Groups, func(a, b kmsg.ListGroupsResponseGroup) int { return cmp.Compare(a.Group, b.Group) })
	return r
}

// passes: an empty filter lets everything through.
func passes(filter []string, v string) bool { return len(filter) == 0 || slices.Contains(filter, v) }

// DeleteGroups serves DeleteGroups. It answers when the deletion is durable.
func (c *Coordinator) DeleteGroups(ctx context.Context, req *kmsg.DeleteGroupsRequest) *kmsg.DeleteGroupsResponse {
	r := req.ResponseKind().(*kmsg.DeleteGroupsResponse)
	r.Groups = make([]kmsg.DeleteGroupsResponseGroup, 0, len(req.Groups))
	for _, id := range req.Groups {
		one := kmsg.DeleteGroupsResponseGroup{Group: id}
		err := c.unready()
		if err == nil {
			err = c.deleteGroup(ctx, id)
		}
		if err != nil {
			one.ErrorCode = err.Code
		}
		r.Groups = append(r.Groups, one)
	}
	return r
}

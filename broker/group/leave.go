package group

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Leave serves LeaveGroup: v3 several members at once, by member id or, as an
// administrator does it, by instance id alone; v5 a reason.
func (c *Coordinator) Leave(_ context.Context, req *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse {
	r := req.ResponseKind().(*kmsg.LeaveGroupResponse)
	r.Members = []kmsg.LeaveGroupResponseMember{}
	if err := c.unready(); err != nil {
		r.ErrorCode = err.Code
		return r
	}
	if req.Group == "" {
		r.ErrorCode = kerr.InvalidGroupID.Code
		return r
	}
	leaving := req.Members
	if req.Version < 3 {
		leaving = []kmsg.LeaveGroupRequestMember{{MemberID: req.MemberID}}
	}
	codes := c.leave(req.Group, leaving)
	if req.Version < 3 {
		r.ErrorCode = codes[0]
		return r
	}
	for i, m := range leaving {
		r.Members = append(r.Members, kmsg.LeaveGroupResponseMember{MemberID: m.MemberID, InstanceID: m.InstanceID, ErrorCode: codes[i]})
	}
	return r
}

// leave returns an error code for each member.
func (c *Coordinator) leave(id string, leaving []kmsg.LeaveGroupRequestMember) []int16 {
	codes := make([]int16, len(leaving))
	g := c.lockedIfThere(id)
	if g == nil {
		for i := range codes {
			codes[i] = kerr.UnknownMemberID.Code
		}
		return codes
	}
	defer g.mu.Unlock()
	removed := false
	for i, l := range leaving {
		m, err := g.leaver(l)
		switch {
		case err != nil:
			codes[i] = err.Code
		case m != nil:
			g.remove(m)
			removed = true
		}
	}
	if removed {
		g.afterRemoval()
	}
	return codes
}

// leaver finds who wants to leave; nil, nil for an id that was given out and
// is hereby taken back.
func (g *group) leaver(l kmsg.LeaveGroupRequestMember) (*member, *kerr.Error) {
	if l.MemberID == "" && l.InstanceID != nil {
		if m := g.static[*l.InstanceID]; m != nil {
			return m, nil
		}
		return nil, kerr.UnknownMemberID
	}
	if _, ok := g.pending[l.MemberID]; ok {
		delete(g.pending, l.MemberID)
		g.maybeComplete()
		return nil, nil
	}
	return g.validate(l.MemberID, l.InstanceID)
}

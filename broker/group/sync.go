package group

import (
	"bytes"
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// syncAnswer is a SyncGroup response before it has a version.
type syncAnswer struct {
	err          *kerr.Error
	protocolType string
	protocol     string
	assignment   []byte
}

func (a syncAnswer) response(req *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse {
	r := req.ResponseKind().(*kmsg.SyncGroupResponse)
	r.MemberAssignment = []byte{}
	if a.err != nil {
		r.ErrorCode = a.err.Code
		return r
	}
	r.ProtocolType, r.Protocol = &a.protocolType, &a.protocol
	if a.assignment != nil {
		r.MemberAssignment = a.assignment
	}
	return r
}

// Sync serves SyncGroup: v3 static members, v5 protocol type and name. It
// blocks until the leader has brought the assignment.
func (c *Coordinator) Sync(ctx context.Context, req *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse {
	refuse := func(err *kerr.Error) *kmsg.SyncGroupResponse { return syncAnswer{err: err}.response(req) }
	if err := c.unready(); err != nil {
		return refuse(err)
	}
	if req.Group == "" {
		return refuse(kerr.InvalidGroupID)
	}
	g := c.lockedIfThere(req.Group)
	if g == nil {
		return refuse(kerr.UnknownMemberID)
	}
	ch := make(chan syncAnswer, 1)
	g.sync(req, ch)
	g.mu.Unlock()
	select {
	case a := <-ch:
		return a.response(req)
	case <-c.life.Done():
		return refuse(kerr.NotCoordinator)
	case <-ctx.Done():
		g.abandonSync(ch)
		return refuse(kerr.RebalanceInProgress)
	}
}

// sync takes a request in. Its answer comes now or with the assignment.
func (g *group) sync(req *kmsg.SyncGroupRequest, ch chan syncAnswer) {
	m, err := g.validateSync(req)
	if err != nil {
		ch <- syncAnswer{err: err}
		return
	}
	m.synced = true
	g.touch(m)
	if g.state == Stable {
		ch <- g.syncedAnswer(m)
		return
	}
	g.answerSync(m, syncAnswer{err: kerr.RebalanceInProgress}) // an earlier one has lost its client
	m.sync = ch
	if m.id == g.leader {
		g.assign(req.GroupAssignment)
	}
}

func (g *group) validateSync(req *kmsg.SyncGroupRequest) (*member, *kerr.Error) {
	m, err := g.validate(req.MemberID, req.InstanceID)
	switch {
	case err != nil:
		return nil, err
	case req.Generation != g.generation:
		return nil, kerr.IllegalGeneration
	case req.ProtocolType != nil && *req.ProtocolType != g.protocolType,
		req.Protocol != nil && *req.Protocol != g.protocol:
		return nil, kerr.InconsistentGroupProtocol
	case g.state == PreparingRebalance:
		return nil, kerr.RebalanceInProgress
	case g.state != CompletingRebalance && g.state != Stable:
		return nil, kerr.UnknownMemberID
	}
	for _, a := range req.GroupAssignment {
		if len(a.MemberAssignment) > g.c.cfg.MaxMemberBytes {
			return nil, kerr.InvalidRequest
		}
	}
	return m, nil
}

// assign gives every member what the leader has for it and makes the group
// stable. Members that the leader left out get nothing.
func (g *group) assign(as []kmsg.SyncGroupRequestGroupAssignment) {
	for _, a := range as {
		if m := g.members[a.MemberID]; m != nil {
			m.assignment = bytes.Clone(a.MemberAssignment)
		}
	}
	g.state = Stable
	for _, m := range g.members {
		g.answerSync(m, g.syncedAnswer(m))
	}
}

func (g *group) syncedAnswer(m *member) syncAnswer {
	return syncAnswer{protocolType: g.protocolType, protocol: g.protocol, assignment: m.assignment}
}

// answerSync answers the member's waiting SyncGroup, if there is one.
func (g *group) answerSync(m *member, a syncAnswer) {
	if m.sync == nil {
		return
	}
	m.sync <- a
	m.sync = nil
	g.touch(m)
}

// abandonSync forgets a request whose connection is gone.
func (g *group) abandonSync(ch chan syncAnswer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.members {
		if m.sync == ch {
			m.sync = nil
			g.touch(m)
			return
		}
	}
}

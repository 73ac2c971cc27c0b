package group

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// joinAnswer is a JoinGroup response before it has a version.
type joinAnswer struct {
	err          *kerr.Error
	memberID     string
	generation   int32
	protocolType string
	protocol     string
	leader       string
	members      []kmsg.JoinGroupResponseMember
	skip         bool
}

// response gives the answer the shape of the request's version.
func (a joinAnswer) response(req *kmsg.JoinGroupRequest) *kmsg.JoinGroupResponse {
	r := req.ResponseKind().(*kmsg.JoinGroupResponse)
	r.MemberID, r.Generation, r.Members = a.memberID, -1, []kmsg.JoinGroupResponseMember{}
	if a.err != nil {
		r.ErrorCode = a.err.Code
		return r
	}
	r.Generation, r.LeaderID, r.SkipAssignment = a.generation, a.leader, a.skip
	r.ProtocolType, r.Protocol = &a.protocolType, &a.protocol
	if a.members != nil {
		r.Members = a.members
	}
	return r
}

// Join serves JoinGroup: v1 rebalance timeout, v4 MEMBER_ID_REQUIRED (KIP-394),
// v5 static members (KIP-345), v7 protocol type, v8 reason (logged), v9
// SkipAssignment (KIP-814). It blocks until the generation is formed. When ctx
// ends before, the member stays for its session timeout, so that it can come
// back over another connection.
func (c *Coordinator) Join(ctx context.Context, req *kmsg.JoinGroupRequest, clientID, clientHost string) *kmsg.JoinGroupResponse {
	refuse := func(err *kerr.Error) *kmsg.JoinGroupResponse {
		return joinAnswer{err: err, memberID: req.MemberID}.response(req)
	}
	if err := c.checkJoin(req); err != nil {
		return refuse(err)
	}
	g := c.lockedToJoin(req)
	if g == nil {
		if req.MemberID != "" {
			return refuse(kerr.UnknownMemberID)
		}
		return refuse(kerr.CoordinatorNotAvailable)
	}
	ch := make(chan joinAnswer, 1)
	g.join(joining{req: req, clientID: clientID, clientHost: clientHost, answer: ch})
	g.mu.Unlock()
	select {
	case a := <-ch:
		return a.response(req)
	case <-c.life.Done():
		return refuse(kerr.NotCoordinator)
	case <-ctx.Done():
		g.abandonJoin(ch)
		return refuse(kerr.RebalanceInProgress)
	}
}

// checkJoin checks what needs no group.
func (c *Coordinator) checkJoin(req *kmsg.JoinGroupRequest) *kerr.Error {
	session := time.Duration(req.SessionTimeoutMillis) * time.Millisecond
	switch err := c.unready(); {
	case err != nil:
		return err
	case req.Group == "":
		return kerr.InvalidGroupID
	case session < c.cfg.MinSessionTimeout || session > c.cfg.MaxSessionTimeout:
		return kerr.InvalidSessionTimeout
	case protocolBytes(req.Protocols) > c.cfg.MaxMemberBytes:
		return kerr.InvalidRequest
	}
	return nil
}

// lockedToJoin finds the group; only a member that is new makes one.
func (c *Coordinator) lockedToJoin(req *kmsg.JoinGroupRequest) *group {
	if req.MemberID != "" {
		return c.lockedIfThere(req.Group)
	}
	return c.locked(req.Group)
}

// joining is one JoinGroup request under way.
type joining struct {
	req                  *kmsg.JoinGroupRequest
	clientID, clientHost string
	answer               chan joinAnswer
}

func (j joining) refuse(err *kerr.Error) { j.answer <- joinAnswer{err: err, memberID: j.req.MemberID} }

func (j joining) session() time.Duration {
	return time.Duration(j.req.SessionTimeoutMillis) * time.Millisecond
}

// join takes a request in. Its answer comes now or when the generation forms.
func (g *group) join(j joining) {
	req := j.req
	static := req.InstanceID
	switch {
	case !g.accepts(req.ProtocolType, req.Protocols):
		j.refuse(kerr.InconsistentGroupProtocol)
	case req.MemberID == "" && static != nil && g.static[*static] != nil:
		g.replaceStatic(j, g.static[*static])
	case req.MemberID == "" && g.full():
		j.refuse(kerr.GroupMaxSizeReached)
	case req.MemberID == "" && static != nil:
		g.admit(j, *static+"-"+g.c.cfg.NewID())
	case req.MemberID == "":
		g.joinDynamic(j)
	case g.isPending(req.MemberID) && static == nil:
		delete(g.pending, req.MemberID)
		g.admit(j, req.MemberID)
	default:
		g.rejoin(j)
	}
}

func (g *group) full() bool { return len(g.members)+g.livePending() >= g.c.cfg.MaxMembers }

func (g *group) isPending(id string) bool {
	until, ok := g.pending[id]
	return ok && g.c.cfg.Clock().Before(until)
}

// joinDynamic admits a member without an id. From v4 on it gets one first and
// comes back with it: a client that loses the answer then leaves no member
// behind that nobody knows of.
func (g *group) joinDynamic(j joining) {
	id := j.clientID + "-" + g.c.cfg.NewID()
	if j.req.Version < 4 {
		g.admit(j, id)
		return
	}
	g.pending[id] = g.c.cfg.Clock().Add(j.session())
	time.AfterFunc(j.session(), func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.state != Dead {
			g.maybeComplete() // it may have waited for that id
		}
	})
	j.answer <- joinAnswer{err: kerr.MemberIDRequired, memberID: id}
}

// admit makes a new member and starts a rebalance.
func (g *group) admit(j joining, id string) {
	g.joined++
	m := &member{id: id, order: g.joined}
	if j.req.InstanceID != nil {
		instance := *j.req.InstanceID
		m.instance = &instance
		g.static[instance] = m
	}
	g.members[id] = m
	if len(g.members) == 1 {
		g.protocolType = j.req.ProtocolType
	}
	if g.leader == "" {
		g.leader = id
	}
	g.grew = true
	g.update(m, j)
	g.await(m, j)
	g.rebalanceOrComplete()
}

// update takes over what the request says about the member.
func (g *group) update(m *member, j joining) {
	m.clientID, m.clientHost = j.clientID, j.clientHost
	m.session = j.session()
	m.rebalance = m.session // v0 has no rebalance timeout
	if j.req.Version >= 1 && j.req.RebalanceTimeoutMillis >= 0 {
		m.rebalance = time.Duration(j.req.RebalanceTimeoutMillis) * time.Millisecond
	}
	m.protocols = cloneProtocols(j.req.Protocols)
	if len(g.members) == 1 {
		g.protocolType = j.req.ProtocolType
	}
}

// await makes the request wait for the next generation. One of the same member
// that waits already has lost its client.
func (g *group) await(m *member, j joining) {
	g.answerJoin(m, joinAnswer{err: kerr.RebalanceInProgress, memberID: m.id})
	m.join = j.answer
	g.touch(m)
}

func (g *group) rebalanceOrComplete() {
	if g.state == PreparingRebalance {
		g.maybeComplete()
		return
	}
	g.rebalance()
}

// rejoin serves a member that says who it is.
func (g *group) rejoin(j joining) {
	m, err := g.validate(j.req.MemberID, j.req.InstanceID)
	if err != nil {
		j.refuse(err)
		return
	}
	// A member that has not changed and joins a generation that is formed has
	// lost the answer: it is repeated. The leader of a stable group that joins
	// wants a rebalance, because what it assigns from has changed.
	same := m.matches(j.req.Protocols)
	if same && (g.state == CompletingRebalance || g.state == Stable && g.leader != m.id) {
		g.touch(m)
		j.answer <- g.joinedAnswer(m)
		return
	}
	g.update(m, j)
	g.await(m, j)
	g.rebalanceOrComplete()
}

// replaceStatic lets a static member that was started again take the place of
// its former self, without a rebalance where the group is stable and goes on
// with the same protocol.
func (g *group) replaceStatic(j joining, old *member) {
	wasLeader := g.leader == old.id
	fenced := kerr.FencedInstanceID
	g.answerJoin(old, joinAnswer{err: fenced, memberID: old.id})
	g.answerSync(old, syncAnswer{err: fenced})
	if old.timer != nil {
		old.timer.Stop()
	}
	delete(g.members, old.id)
	m := &member{
		id: *old.instance + "-" + g.c.cfg.NewID(), instance: old.instance, order: old.order,
		assignment: old.assignment, synced: old.synced,
	}
	g.members[m.id], g.static[*m.instance] = m, m
	if wasLeader {
		g.leader = m.id
	}
	g.update(m, j)
	if g.state != Stable || g.selectProtocol() != g.protocol {
		g.await(m, j)
		g.rebalanceOrComplete()
		return
	}
	g.touch(m)
	a := g.joinedAnswer(m)
	if wasLeader && j.req.Version < 9 {
		// It must not assign anew, and these versions have no other way to
		// tell it: let it take its former self for the leader.
		a.leader, a.members = old.id, nil
	}
	a.skip = wasLeader && j.req.Version >= 9
	j.answer <- a
}

// joinedAnswer is what a member of the current generation is told; only the
// leader is told of the others.
func (g *group) joinedAnswer(m *member) joinAnswer {
	a := joinAnswer{memberID: m.id, generation: g.generation, protocolType: g.protocolType, protocol: g.protocol, leader: g.leader}
	if m.id != g.leader {
		return a
	}
	for _, o := range g.ordered() {
		a.members = append(a.members, kmsg.JoinGroupResponseMember{MemberID: o.id, InstanceID: o.instance, ProtocolMetadata: o.metadata(g.protocol)})
	}
	return a
}

// answerJoin answers the member's waiting JoinGroup, if there is one.
func (g *group) answerJoin(m *member, a joinAnswer) {
	if m.join == nil {
		return
	}
	m.join <- a
	m.join = nil
	g.touch(m)
}

// abandonJoin forgets a request whose connection is gone.
func (g *group) abandonJoin(ch chan joinAnswer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.members {
		if m.join == ch {
			m.join = nil
			g.touch(m)
			return
		}
	}
}

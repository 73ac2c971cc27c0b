package group

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// State is where a group is in its life; see the package comment.
type State int8

// The states of a group.
const (
	Empty State = iota
	PreparingRebalance
	CompletingRebalance
	Stable
	Dead // dropped from the map
)

// String is Kafka's name of the state.
func (s State) String() string {
	return [...]string{"Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead"}[s]
}

// group is one consumer group. All methods need mu.
type group struct {
	c  *Coordinator
	id string

	mu           sync.Mutex
	state        State
	generation   int32
	protocolType string
	protocol     string
	leader       string
	members      map[string]*member
	static       map[string]*member   // by instance id
	pending      map[string]time.Time // ids given out, until when they are good
	joined       int64                // members ever; gives them an order

	// round counts changes of what timer waits for: a timer that fires for an
	// earlier round does nothing.
	round   int64
	timer   *time.Timer
	gather  bool      // in the initial delay: more members may come
	grew    bool      // a member came since gather's timer was set
	gatherD time.Time // when gathering ends at the latest

	offsets    map[topicPartition]committed // as far as they are durable
	writing    int                          // appends to the log under way
	emptySince time.Time
}

func newGroup(c *Coordinator, id string) *group {
	return &group{
		c: c, id: id, members: make(map[string]*member), static: make(map[string]*member),
		pending: make(map[string]time.Time), offsets: make(map[topicPartition]committed), emptySince: c.cfg.Clock(),
	}
}

// ordered are the members in the order in which they joined.
func (g *group) ordered() []*member {
	return slices.SortedFunc(maps.Values(g.members), func(a, b *member) int { return int(a.order - b.order) })
}

// after runs fn, with the lock held, when d has passed, unless the group has
// gone on to another round.
func (g *group) after(d time.Duration, fn func()) {
	g.round++
	round := g.round
	if g.timer != nil {
		g.timer.Stop()
	}
	g.timer = time.AfterFunc(d, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.round == round && g.state != Dead {
			fn()
		}
	})
}

// touch gives a member its session's time from now on.
func (g *group) touch(m *member) {
	m.deadline = g.c.cfg.Clock().Add(m.session)
	if m.timer == nil {
		m.timer = time.AfterFunc(m.session, func() { g.watch(m) })
	}
}

// watch runs when a member's timer fires. A heartbeat only moves the deadline,
// which is cheaper than moving the timer, so the timer may find that there is
// time left.
func (g *group) watch(m *member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.members[m.id] != m || g.state == Dead {
		return
	}
	left := m.deadline.Sub(g.c.cfg.Clock())
	switch {
	case m.waiting():
		m.timer.Reset(m.session)
	case left > 0:
		m.timer.Reset(left)
	default:
		g.c.cfg.Logger.Info("group member is silent and was removed", "group", g.id, "member", m.id, "session", m.session)
		g.remove(m)
		g.afterRemoval()
	}
}

func (g *group) stopTimers() {
	g.round++
	if g.timer != nil {
		g.timer.Stop()
	}
	for _, m := range g.members {
		if m.timer != nil {
			m.timer.Stop()
		}
	}
}

// longestRebalance is the time that the slowest member asks for.
func (g *group) longestRebalance() time.Duration {
	var d time.Duration
	for _, m := range g.members {
		d = max(d, m.rebalance)
	}
	return d
}

// rebalance starts a new generation: members learn of it from their
// heartbeats and join again.
func (g *group) rebalance() {
	if g.state == CompletingRebalance {
		for _, m := range g.members {
			m.assignment = nil
			g.answerSync(m, syncAnswer{err: kerr.RebalanceInProgress})
		}
	}
	delay := g.c.cfg.InitialRebalanceDelay
	g.gather = g.state == Empty && delay > 0
	g.state = PreparingRebalance
	if g.gather {
		longest := g.longestRebalance()
		g.grew, g.gatherD = false, g.c.cfg.Clock().Add(longest)
		g.after(min(delay, longest), g.gathered)
		return
	}
	g.after(g.longestRebalance(), g.complete)
	g.maybeComplete()
}

// gathered runs when the initial delay is over: as long as members keep
// coming, it is granted again.
func (g *group) gathered() {
	left := g.gatherD.Sub(g.c.cfg.Clock())
	if g.grew && left > 0 {
		g.grew = false
		g.after(min(g.c.cfg.InitialRebalanceDelay, left), g.gathered)
		return
	}
	g.gather = false
	g.complete()
}

// maybeComplete ends the rebalance when everybody is there.
func (g *group) maybeComplete() {
	if g.state != PreparingRebalance || g.gather || g.livePending() > 0 {
		return
	}
	for _, m := range g.members {
		if m.join == nil {
			return
		}
	}
	g.complete()
}

// complete forms the next generation out of the members that have joined.
// Dynamic members that have not are removed; static ones stay until their
// session ends, because they come back under the same name.
func (g *group) complete() {
	if g.state != PreparingRebalance {
		return
	}
	for _, m := range g.ordered() {
		if m.join == nil && m.instance == nil {
			g.remove(m)
		}
	}
	if len(g.members) == 0 {
		g.generation++
		g.becomeEmpty()
		return
	}
	if !g.electLeader() {
		// Only static members are left and none has come back: give them as
		// long again; their sessions end the wait. The lower bound keeps a
		// rebalance timeout of 0 from making this spin.
		g.after(max(g.longestRebalance(), g.c.cfg.MinSessionTimeout), g.complete)
		return
	}
	g.generation++
	g.protocol = g.selectProtocol()
	g.state = CompletingRebalance
	for _, m := range g.members {
		m.synced = false
	}
	for _, m := range g.ordered() {
		g.answerJoin(m, g.joinedAnswer(m))
	}
	g.after(g.longestRebalance(), g.dropUnsynced)
}

// dropUnsynced removes the members of a generation that never asked for their
// assignment: without the leader's the others would hang, and partitions given
// to one that is gone would be read by nobody.
func (g *group) dropUnsynced() {
	if g.state != CompletingRebalance && g.state != Stable {
		return
	}
	gone := false
	for _, m := range g.ordered() {
		if !m.synced {
			g.remove(m)
			gone = true
		}
	}
	if gone {
		g.rebalance()
	}
}

func (g *group) becomeEmpty() {
	g.state, g.protocol, g.leader = Empty, "", ""
	g.emptySince = g.c.cfg.Clock()
	g.round++ // nothing to wait for
}

// electLeader keeps the leader if it has joined, else takes the member that
// joined first. False when nobody has.
func (g *group) electLeader() bool {
	if m := g.members[g.leader]; m != nil && m.join != nil {
		return true
	}
	for _, m := range g.ordered() {
		if m.join != nil {
			g.leader = m.id
			return true
		}
	}
	return false
}

// selectProtocol counts votes: of the protocols that all members support, each
// votes for the one it lists first. A tie goes to the one that had so many
// votes first, in the order in which members joined.
func (g *group) selectProtocol() string {
	votes := make(map[string]int)
	best := ""
	for _, m := range g.ordered() {
		for _, p := range m.protocols {
			if g.allSupport(p.Name) {
				votes[p.Name]++
				if votes[p.Name] > votes[best] {
					best = p.Name
				}
				break
			}
		}
	}
	return best
}

func (g *group) allSupport(protocol string) bool {
	for _, m := range g.members {
		if !m.supports(protocol) {
			return false
		}
	}
	return true
}

// accepts tells whether a member with these protocols can be in the group.
func (g *group) accepts(protocolType string, protocols []kmsg.JoinGroupRequestProtocol) bool {
	if len(protocols) == 0 || protocolType == "" {
		return false
	}
	if len(g.members) == 0 {
		return true
	}
	return protocolType == g.protocolType &&
		slices.ContainsFunc(protocols, func(p kmsg.JoinGroupRequestProtocol) bool { return g.allSupport(p.Name) })
}

// remove takes a member out of the group; its waiting requests are told that
// it is unknown.
func (g *group) remove(m *member) {
	g.answerJoin(m, joinAnswer{err: kerr.UnknownMemberID, memberID: m.id})
	g.answerSync(m, syncAnswer{err: kerr.UnknownMemberID})
	if m.timer != nil {
		m.timer.Stop()
	}
	delete(g.members, m.id)
	if m.instance != nil && g.static[*m.instance] == m {
		delete(g.static, *m.instance)
	}
	if g.leader == m.id {
		g.leader = ""
	}
}

// afterRemoval goes on after members were removed.
func (g *group) afterRemoval() {
	switch g.state {
	case Stable, CompletingRebalance:
		g.rebalance()
	case PreparingRebalance:
		g.maybeComplete()
	}
}

// livePending counts the ids that were given out and may still come back, and
// forgets the others.
func (g *group) livePending() int {
	now := g.c.cfg.Clock()
	for id, until := range g.pending {
		if !now.Before(until) {
			delete(g.pending, id)
		}
	}
	return len(g.pending)
}

// validate finds the member that a request claims to come from.
func (g *group) validate(memberID string, instance *string) (*member, *kerr.Error) {
	if instance != nil {
		s := g.static[*instance]
		switch {
		case s == nil:
			return nil, kerr.UnknownMemberID
		case s.id != memberID:
			return nil, kerr.FencedInstanceID
		}
	}
	m := g.members[memberID]
	if m == nil {
		return nil, kerr.UnknownMemberID
	}
	return m, nil
}

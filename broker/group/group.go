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

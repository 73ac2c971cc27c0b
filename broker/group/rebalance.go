package group

import "github.com/twmb/franz-go/pkg/kerr"

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

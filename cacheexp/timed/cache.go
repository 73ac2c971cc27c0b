package timed

import (
	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/cacheexp/trace"
)

// cost is what a block takes of the room ahead, in bytes.
func (m *sim) cost(i id) int64 {
	b := &m.catalog.blocks[i]
	if m.cfg.Slots && b.pages > 0 {
		return int64(b.pages) * trace.PageSize
	}
	return int64(b.Size)
}

// request names a block to a policy.
func (m *sim) request(i id) policy.Request {
	b := &m.catalog.blocks[i]
	q := policy.Request{Key: policy.Key{Object: b.Object, Position: b.Position}, Size: 1, Now: m.now}
	if !m.cfg.Objects {
		q.Size = max(m.cost(i), 1)
	}
	return q
}

// admit makes a block resident, unless it is larger than the cache.
func (m *sim) admit(i id, q policy.Request) bool {
	if !policy.MakeRoom(m.policy, m.cfg.Capacity, q, m.drop) {
		return false
	}
	m.policy.Insert(q)
	m.state[i].resident = true
	return true
}

// drop is told of a block that the policy sent away. One that is on its way goes
// when its load has ended.
func (m *sim) drop(k policy.Key) {
	i := m.catalog.ids[k]
	m.state[i].resident = false
	if m.state[i].load == nil {
		m.gone(i)
	}
}

// gone counts a block that left unread.
func (m *sim) gone(i id) {
	if m.state[i].unread {
		m.use(i)
		m.n.Wasted++
	}
}

// look asks the prefetcher what should come next and queues it.
func (m *sim) look(r *reader, i id, how found) {
	b := &m.catalog.blocks[i]
	m.view.at, m.view.shown = i, m.view.shown[:0]
	m.plan = m.prefetch.Access(prefetch.Access{
		Reader: r.name, Block: b.Block, Start: b.start, End: b.end,
		Hit: how != missed, Late: how == late || how == early,
		Now: m.now, GET: m.tail.P99(), Room: m.queue.Promised(),
	}, &m.view, m.plan[:0])
	if m.joins && how.miss() {
		m.join(i)
	}
	for n, p := range m.plan {
		m.enqueue(p, n > 0)
	}
}

// enqueue queues a block to be loaded ahead, unless it is there, on its way or
// queued already.
func (m *sim) enqueue(p prefetch.Block, mayJoin bool) {
	i, ok := m.catalog.ids[policy.Key{Object: p.Object, Position: p.Position}]
	if !ok || m.known(i) {
		return
	}
	if !m.queue.Add(prefetch.Item[id]{Block: p, Cost: m.cost(i), What: i}, mayJoin) {
		m.n.Dropped++
	}
}

func (m *sim) known(i id) bool {
	st, b := &m.state[i], &m.catalog.blocks[i]
	return st.resident || st.load != nil || m.queue.Has(b.Object, b.Position)
}

// begin makes a block resident that nobody has asked for. false: there is no room
// for it in the whole cache.
func (m *sim) begin(i id, l *load) bool {
	if !m.admit(i, m.request(i)) {
		m.n.Dropped++
		return false
	}
	m.state[i].unread, m.state[i].load = true, l
	m.queue.Hold(m.cost(i))
	m.n.Prefetched++
	return true
}

// view shows the prefetcher what follows a block.
type view struct {
	sim   *sim
	at    id
	shown []id
}

// Next is part of prefetch.Ahead.
func (v *view) Next(i int) (prefetch.Block, bool) {
	blocks := v.sim.catalog.blocks
	for len(v.shown) < i {
		last := v.at
		if n := len(v.shown); n > 0 {
			last = v.shown[n-1]
		}
		next := blocks[last].next
		if next == nobody || !v.sim.exists(next) {
			return prefetch.Block{}, false
		}
		v.shown = append(v.shown, next)
	}
	return blocks[v.shown[i-1]].Block, true
}

// Around is part of prefetch.Ahead.
func (v *view) Around(first, end int64, dst []prefetch.Block) []prefetch.Block {
	blocks := v.sim.catalog.blocks
	for _, i := range v.sim.catalog.objects[blocks[v.at].Object] {
		if b := blocks[i].Block; b.Position >= first && b.Position < end && v.sim.exists(i) {
			dst = append(dst, b)
		}
	}
	return dst
}

package timed

import (
	"slices"
	"time"

	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/internal/storetime"
)

// load is one GET of adjacent blocks.
type load struct {
	blocks  []id // by position
	ahead   bool // nobody had asked for it when it began
	began   int64
	tries   int
	waiters []*reader
}

// mostBackoff is the longest wait after a 503, as that of the broker's model.
const mostBackoff = 5 * time.Second

// want queues the load of a block that a reader waits for.
func (m *sim) want(i id) {
	l := &load{blocks: []id{i}}
	m.state[i].load = l
	m.wanted = append(m.wanted, l)
}

// join takes the proposals that are adjacent to a missed block, with nothing
// between that is known already, into its own GET: outwards from the block.
func (m *sim) join(i id) {
	l, own := m.state[i].load, m.catalog.blocks[i].Block
	at := slices.IndexFunc(m.plan, func(p prefetch.Block) bool { return p.Position > own.Position })
	if at < 0 {
		at = len(m.plan)
	}
	// Both are chosen before any is begun, since that sends others away.
	before, behind := slices.Clone(m.plan[:at]), m.plan[at:]
	slices.Reverse(before)
	before, behind = before[:m.adjoining(own, before)], behind[:m.adjoining(own, behind)]
	for _, p := range before {
		if !m.joined(l, p, 0) {
			break
		}
	}
	for _, p := range behind {
		if !m.joined(l, p, len(l.blocks)) {
			break
		}
	}
}

// adjoining is how many of the blocks follow on each other from own on, in either
// direction, and are not known already.
func (m *sim) adjoining(own prefetch.Block, run []prefetch.Block) int {
	for n, b := range run {
		i, ok := m.catalog.ids[policy.Key{Object: b.Object, Position: b.Position}]
		if !ok || m.known(i) || !(prefetch.Adjacent(own, b) || prefetch.Adjacent(b, own)) {
			return n
		}
		own = b
	}
	return len(run)
}

// joined puts a proposed block into a GET.
func (m *sim) joined(l *load, p prefetch.Block, at int) bool {
	i := m.catalog.ids[policy.Key{Object: p.Object, Position: p.Position}]
	if !m.begin(i, l) {
		return false
	}
	l.blocks = slices.Insert(l.blocks, at, i)
	return true
}

// pump begins as many GETs as may be in flight: those for readers first.
func (m *sim) pump() {
	for len(m.wanted) > 0 && m.loading < m.cfg.MaxLoads {
		l := m.wanted[0]
		m.wanted = m.wanted[1:]
		m.gather(l)
		m.loading++
		m.get(l)
	}
	for m.queue.Waiting() && m.prefetching < m.cfg.MaxPrefetch && len(m.wanted)+m.loading < m.cfg.MaxLoads {
		m.beginAhead(m.queue.Next())
	}
}

// gather adds the loads that wait, too, and are adjacent, up to MaxGet.
func (m *sim) gather(l *load) {
	for {
		from, to := m.span(l)
		n := slices.IndexFunc(m.wanted, func(w *load) bool {
			first, end := m.span(w)
			return m.catalog.blocks[w.blocks[0]].Object == m.catalog.blocks[l.blocks[0]].Object &&
				(end == from || first == to) && to-from+end-first <= int64(m.cfg.MaxGet)
		})
		if n < 0 {
			return
		}
		w := m.wanted[n]
		m.wanted = slices.Delete(m.wanted, n, n+1)
		if first, _ := m.span(w); first > from {
			l.blocks = append(l.blocks, w.blocks...)
		} else {
			l.blocks = append(w.blocks, l.blocks...)
		}
		l.waiters = append(l.waiters, w.waiters...)
		for _, i := range w.blocks {
			m.state[i].load = l
		}
	}
}

// span is where a load begins and ends in its object.
func (m *sim) span(l *load) (from, to int64) {
	last := m.catalog.blocks[l.blocks[len(l.blocks)-1]]
	return m.catalog.blocks[l.blocks[0]].Position, last.Position + int64(last.Size)
}

// beginAhead begins one GET of adjacent blocks that nobody has asked for.
func (m *sim) beginAhead(items []prefetch.Item[id]) {
	l := &load{ahead: true}
	for _, item := range items {
		m.queue.Take(item.Block.Object, item.Block.Position)
	}
	for n, item := range items {
		if !m.begin(item.What, l) {
			m.n.Dropped += int64(len(items) - n - 1) // those behind it go with it
			break
		}
		l.blocks = append(l.blocks, item.What)
	}
	if len(l.blocks) > 0 {
		m.prefetching++
		m.get(l)
	}
}

// get puts a GET to the store, and again after each 503.
func (m *sim) get(l *load) {
	from, to := m.span(l)
	first, served := m.store.Arrive(time.Duration(m.now), storetime.Read, "")
	if l.tries++; l.tries == 1 {
		l.began = m.now
	}
	if !served {
		m.n.Throttled++
		m.after(int64(first+m.store.Backoff(l.tries, mostBackoff)), func() { m.get(l) })
		return
	}
	m.n.GETs++
	m.n.Fetched += to - from
	m.after(int64(first+m.cfg.Service.Transfer(to-from)), func() { m.loaded(l) })
}

// loaded ends a GET.
func (m *sim) loaded(l *load) {
	m.tail.Add(m.now - l.began)
	if l.ahead {
		m.prefetching--
	} else {
		m.loading--
	}
	for _, i := range l.blocks {
		m.state[i].load = nil
		if !m.state[i].resident {
			m.gone(i)
		}
	}
	for _, r := range l.waiters {
		m.resume(r)
	}
	m.pump()
}

package timed

import (
	"time"

	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/prefetch"
)

// reader is one walk through a stream: one access at a time.
type reader struct {
	name  prefetch.Reader
	busy  bool  // it waits for a GET
	began int64 // of the access it waits for
	late  bool  // that one's block was loaded ahead, and not early enough
	queue []id  // what it would have asked for meanwhile
}

// access begins one.
func (m *sim) access(r *reader, i id) {
	r.began = m.now
	how := m.find(i)
	r.late = m.count(i, how)
	m.look(r, i, how)
	m.pump()
	if l := m.state[i].load; l != nil {
		r.busy = true
		l.waiters = append(l.waiters, r)
		return
	}
	m.served(r, 0)
}

// served ends an access.
func (m *sim) served(r *reader, took int64) {
	m.n.took(took)
	if r.late {
		m.n.LateWait += time.Duration(took)
	}
	r.busy, r.late = false, false
}

// resume lets a reader go on that has waited.
func (m *sim) resume(r *reader) {
	m.served(r, m.now-r.began)
	for !r.busy && len(r.queue) > 0 {
		i := r.queue[0]
		if r.queue = r.queue[1:]; len(r.queue) == 0 {
			r.queue = nil
		}
		m.held--
		m.access(r, i)
	}
	m.settle(r)
}

// found is how an access finds its block.
type found int

const (
	missed found = iota // nobody had thought of it
	early               // its GET begins now, but it was to be loaded ahead
	late                // it is on its way
	there
)

func (f found) miss() bool { return f == missed || f == early }

// find asks the policy, and begins the load of a block that is not there.
func (m *sim) find(i id) found {
	st := &m.state[i]
	q := m.request(i)
	resident := m.policy.Access(q)
	if !resident && st.load != nil { // sent away while it was on its way
		m.admit(i, q)
	}
	switch {
	case st.load != nil:
		return late
	case resident:
		return there
	}
	how := missed
	if b := &m.catalog.blocks[i]; m.queue.Take(b.Object, b.Position) {
		how = early
	}
	m.admit(i, q)
	m.want(i)
	return how
}

// count notes what the access was, and whether it is the first one of a block
// that was loaded ahead and is still on its way.
func (m *sim) count(i id, how found) (tooLate bool) {
	size := int64(m.catalog.blocks[i].Size)
	m.n.Requests++
	m.n.Bytes += size
	if how.miss() {
		m.n.Misses++
		m.n.MissedBytes += size
	}
	if m.state[i].unread {
		m.use(i)
		m.n.Used++
		if tooLate = how == late; tooLate {
			m.n.Late++
		}
	}
	if m.shadow != nil {
		m.compare(i, how.miss())
	}
	return tooLate
}

// compare asks the shadow cache the same.
func (m *sim) compare(i id, miss bool) {
	q := m.request(i)
	if m.shadow.Access(q) {
		if miss {
			m.n.Polluted++
		}
		return
	}
	m.n.MissesAlone++
	if !miss {
		m.n.Covered++
	}
	if policy.MakeRoom(m.shadow, m.cfg.Capacity, q, func(policy.Key) {}) {
		m.shadow.Insert(q)
	}
}

// use takes a block off the account of what is unread.
func (m *sim) use(i id) {
	m.state[i].unread = false
	m.queue.Hold(-m.cost(i))
}

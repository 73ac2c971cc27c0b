package wire

import (
	"math"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/tidelog/tide/broker/stream"
)

// fetchSession is what a client need not say again with each Fetch (KIP-227):
// its partitions, how far it is in each, and what it was told of them last.
//
//	id 0  epoch 0    opens a session: full request, full answer with the new id
//	id n  epoch 1…   the request names what changes, the answer what has changed
//	id n  epoch −1   closes it: full request and answer, without a session
//
// A request costs what has changed, whatever the number of partitions:
//
//	           signalled, or named by a request
//	resting ──────────────────────────────────▶ active, at the end ─┐ gave records:
//	   ▲ ◀──────────────────────────────────────── │  ▲ ────────────┘ to the end,
//	     nothing to read, nothing to report, no error  so that none starves
//
// A partition is watched for as long as the session lives, by a Waiter of its
// own, and resolved again only when its target is Gone. An active one is looked
// at with every request: it has records that the client has not gone past yet,
// or it failed. Kafka looks at all of them, and answers the same.
//
// A connection has one session at most: clients use one connection to a broker
// for fetching. So a session needs no lock, ends with its connection, and none
// is ever evicted for another: a slot is held by a client that is there, for
// Limits.Idle at most. A client that comes back on another connection is told
// FETCH_SESSION_ID_NOT_FOUND and opens a new one, as after an eviction in Kafka.
// The same is said to one that adds partitions beyond Limits.SessionPartitions.
//
// Owned by the connection's reader.
type fetchSession struct {
	id     int32
	epoch  int32 // of the next request
	byID   bool  // topics have ids, not names: v13
	full   bool  // no answer went out yet; the first one holds all
	topics map[string]*sessionTopic
	parts  map[memberKey]*member
	active []*member     // in the order in which they are read
	gave   []*member     // settle's
	group  *stream.Group // of the members' waiters
	paid   int           // partitions counted in sessionCounts: the most there were, since maps do not shrink
	counts *sessionCounts
	limit  int64 // Limits.SessionPartitions
}

// sessionTopic is a topic with at least one partition in the session.
type sessionTopic struct {
	fetchTopic
	key   string // in fetchSession.topics
	parts int
}

type memberKey struct {
	topic *sessionTopic
	index int32
}

// member is a partition of a session.
type member struct {
	fetchPart
	topic    *sessionTopic
	waiter   stream.Waiter // watches target, when there is one
	active   bool
	left     bool  // the session; it may still be signalled, or active
	toldHigh int64 // what the client was told last; −1: nothing, or an error
	toldFrom int64 // the same of the log start
}

// sessionCounts are of all connections.
type sessionCounts struct {
	last                 atomic.Uint32 // number of the newest session
	open, parts, refused atomic.Int64
}

// take adds n unless the limit forbids it.
func take(count *atomic.Int64, n, limit int64) bool {
	if count.Add(n) > limit {
		count.Add(-n)
		return false
	}
	return true
}

// enterSession finds, opens or closes the session that a request speaks of. It
// sets f.session, unless the request stands alone.
func (c *conn) enterSession(f *fetchRequest, version int16) *kerr.Error {
	s := c.session
	switch {
	case f.epoch == wantsSession:
		c.closeSession()
		c.openSession(f, version)
		return nil
	case f.epoch == noSession:
		if s != nil && s.id == f.sessionID {
			c.closeSession()
		}
		return nil
	case s == nil || s.id != f.sessionID:
		return kerr.FetchSessionIDNotFound
	case s.epoch != f.epoch:
		return kerr.InvalidFetchSessionEpoch
	case s.byID != (version >= 13):
		return kerr.FetchSessionTopicIDError
	}
	if !s.update(f) {
		c.closeSession()
		c.srv.sessions.refused.Add(1)
		return kerr.FetchSessionIDNotFound
	}
	if len(s.parts) == 0 {
		c.closeSession()
		return nil
	}
	s.epoch = nextEpoch(s.epoch)
	f.session = s
	return nil
}

func nextEpoch(epoch int32) int32 {
	if epoch == math.MaxInt32 {
		return 1
	}
	return epoch + 1
}

// openSession opens one for the partitions of f, if there is room.
func (c *conn) openSession(f *fetchRequest, version int16) {
	counts, lim := &c.srv.sessions, &c.srv.cfg.Limits
	if !take(&counts.open, 1, int64(lim.FetchSessions)) {
		counts.refused.Add(1)
		return
	}
	s := &fetchSession{
		id:    int32((counts.last.Add(1)-1)%math.MaxInt32) + 1,
		epoch: 1, byID: version >= 13, full: true,
		topics: make(map[string]*sessionTopic), parts: make(map[memberKey]*member),
		group: stream.NewGroup(c.waiter), counts: counts, limit: int64(lim.SessionPartitions),
	}
	c.session = s
	if !s.update(f) {
		c.closeSession()
		counts.refused.Add(1)
		return
	}
	f.session = s
}

// closeSession closes the connection's session, if there is one.
func (c *conn) closeSession() {
	s := c.session
	if s == nil {
		return
	}
	c.session = nil
	for _, m := range s.parts {
		m.unwatch()
	}
	s.counts.parts.Add(-int64(s.paid))
	s.counts.open.Add(-1)
}

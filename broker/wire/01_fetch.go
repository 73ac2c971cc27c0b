package wire

import (
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/tidelog/tide/broker/stream"
)

// Fetch, v4–18
//
//	v4   isolation level, last stable offset, aborted transactions (KIP-98)
//	v5   log start offset, both ways (KIP-107)
//	v7   fetch sessions, error code of the whole answer (KIP-227)
//	v9   current leader epoch: FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH (KIP-320)
//	v10  zstd (KIP-110)
//	v11  rack of the client, preferred replica (KIP-392)
//	v12  flexible; last fetched epoch, cluster id (KIP-595)
//	v13  topic ids in place of names (KIP-516)
//	v15  replica id moved into a tag (KIP-903)
//	v16  leader hints (KIP-951)
//	v17  directory id of a replica, tagged (KIP-853)
//	v18  high watermark of a replica, tagged (KIP-1166)
//
// Fetch sessions (fetch_session.go) make requests and answers as large as what
// has changed, rather than as what is read.
//
// The reader waits in a long poll; requests behind it wait unread, as in Kafka.

const keyFetch = 1

func init() {
	register(&api{name: "Fetch", key: keyFetch, min: 4, max: 18, flexible: 12, serve: serveFetch})
}

// fetchRequest is a decoded request; it is kept by the connection and reused.
type fetchRequest struct {
	wait      time.Duration
	minBytes  int
	maxBytes  int
	committed bool // isolation level read_committed
	sessionID int32
	epoch     int32 // of the fetch session
	topics    []fetchTopic
	parts     []fetchPart
	forgotten []fetchTopic // leave the session; from and to are in left
	left      []int32      // numbers of partitions

	session *fetchSession // the request is one of it; nil: it stands alone
	look    []*fetchPart  // what is read: of parts, or of the session
}

type fetchTopic struct {
	name     []byte // aliases the request
	id       [16]byte
	from, to int // in parts
}

// fetchPart is one partition, as asked for and as answered.
type fetchPart struct {
	index    int32
	epoch    int32 // the leader epoch that the client knows; −1 none
	offset   int64
	maxBytes int

	target   Partition // nil: not known yet, or err says why
	err      error
	hint     leaderHint
	seen     int64 // high watermark before the last read
	high     int64
	stable   int64
	logStart int64
	read     *stream.Read // pinned; nil: no records
}

// Epochs that are no session's: all partitions are in the request.
const (
	wantsSession = 0
	noSession    = -1
)

func serveFetch(c *conn, r *request) error {
	f := &c.fetch
	defer f.forget()
	d := newDecoder(r)
	d.fetchRequest(f)
	if d.err != nil {
		return d.err
	}
	failure := c.enterSession(f, r.version)
	if failure != nil {
		c.push(newFetchAnswer(c, r, &fetchRequest{}, failure))
		return nil
	}
	if f.session != nil {
		f.session.prepare(c, f, r.version)
	} else {
		f.resolve(c, r.version)
	}
	f.poll(c)
	if f.session != nil {
		f.session.settle(f)
	}
	c.push(newFetchAnswer(c, r, f, nil))
	return nil
}

// resolve finds the partitions of a request that stands alone.
func (f *fetchRequest) resolve(c *conn, version int16) {
	for i := range f.topics {
		t := &f.topics[i]
		for j := t.from; j < t.to; j++ {
			p := &f.parts[j]
			p.resolve(c, t, version)
			f.look = append(f.look, p)
		}
	}
}

// resolve finds the partition, unless its target is known, and checks the
// client's epoch; what was read before is forgotten.
func (p *fetchPart) resolve(c *conn, t *fetchTopic, version int16) {
	p.high, p.stable, p.logStart, p.hint, p.err = -1, -1, -1, noHint, nil
	switch {
	case p.target != nil:
	case version >= 13:
		p.target, p.err = c.srv.cfg.Partitions.GetByID(t.id, p.index)
	default:
		p.target, p.err = c.srv.cfg.Partitions.Get(kbin.UnsafeString(t.name), p.index)
	}
	if p.err == nil {
		p.err = checkEpoch(p.target, p.epoch)
	}
	if p.err != nil && version >= 16 && kafkaError(p.err) == kerr.NotLeaderForPartition {
		p.hint = c.hint(t.name, t.id, p.index)
	}
}

// checkEpoch compares the leader epoch that a client knows; −1 is no check.
func checkEpoch(p Partition, epoch int32) error {
	current := p.LeaderEpoch()
	switch {
	case epoch < 0 || epoch == current:
		return nil
	case epoch < current:
		return kerr.FencedLeaderEpoch
	}
	return kerr.UnknownLeaderEpoch
}

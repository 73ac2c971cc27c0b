package wire

import (
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/tidelog/tide/broker/meta"
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
// We keep no fetch sessions: a request that opens one gets session id 0, which
// tells the client to go on with full requests, as Kafka does when its cache
// of sessions is full. A request within a session is FETCH_SESSION_ID_NOT_FOUND.
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
	committed bool  // isolation level read_committed
	epoch     int32 // of the fetch session
	topics    []fetchTopic
	parts     []fetchPart
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

	target   Partition // nil: err says why
	err      error
	hint     leaderHint
	seen     int64 // high watermark before the last read
	high     int64
	stable   int64
	logStart int64
	read     *stream.Read // pinned; nil: no records
}

// Epochs of a session that are no session's: all partitions are in the request.
const (
	wantsSession = 0
	noSession    = -1
)

func (d *decoder) fetchRequest(f *fetchRequest) {
	if d.version <= 14 {
		d.int32() // replica id; followers do not exist
	}
	f.wait = time.Duration(max(d.int32(), 0)) * time.Millisecond
	f.minBytes = int(d.int32())
	f.maxBytes = max(int(d.int32()), 0)
	f.committed = d.int8() == 1
	f.epoch = noSession
	if d.version >= 7 {
		d.int32() // session id
		f.epoch = d.int32()
	}
	f.topics, f.parts = f.topics[:0], f.parts[:0]
	for n := d.array(); n > 0 && d.err == nil; n-- {
		d.fetchTopic(f)
	}
	if d.version >= 7 {
		d.forgotten()
	}
	if d.version >= 11 {
		d.string() // rack
	}
	d.endStruct()
}

func (d *decoder) fetchTopic(f *fetchRequest) {
	t := fetchTopic{from: len(f.parts)}
	if d.version >= 13 {
		t.id = d.uuid()
	} else {
		t.name = d.string()
	}
	for n := d.array(); n > 0 && d.err == nil; n-- {
		p := fetchPart{index: d.int32(), epoch: -1, hint: leaderHint{leader: meta.NoNode}}
		if d.version >= 9 {
			p.epoch = d.int32()
		}
		p.offset = d.int64()
		if d.version >= 12 {
			d.int32() // last fetched epoch: of followers
		}
		if d.version >= 5 {
			d.int64() // log start offset: of followers
		}
		p.maxBytes = max(int(d.int32()), 0)
		d.endStruct()
		f.parts = append(f.parts, p)
	}
	d.endStruct()
	t.to = len(f.parts)
	f.topics = append(f.topics, t)
}

// forgotten skips the partitions that leave a session.
func (d *decoder) forgotten() {
	for n := d.array(); n > 0 && d.err == nil; n-- {
		if d.version >= 13 {
			d.uuid()
		} else {
			d.string()
		}
		d.skip(4 * d.array())
		d.endStruct()
	}
}

func serveFetch(c *conn, r *request) error {
	f := &c.fetch
	d := newDecoder(r)
	d.fetchRequest(f)
	if d.err != nil {
		return d.err
	}
	defer f.forget()
	if f.epoch != wantsSession && f.epoch != noSession {
		c.push(newFetchAnswer(c, r, &fetchRequest{}, kerr.FetchSessionIDNotFound))
		return nil
	}
	f.resolve(c, r.version)
	f.poll(c)
	c.push(newFetchAnswer(c, r, f, nil))
	return nil
}

// resolve finds the partitions.
func (f *fetchRequest) resolve(c *conn, version int16) {
	for _, t := range f.topics {
		for i := t.from; i < t.to; i++ {
			p := &f.parts[i]
			p.high, p.stable, p.logStart = -1, -1, -1
			if version >= 13 {
				p.target, p.err = c.srv.cfg.Partitions.GetByID(t.id, p.index)
			} else {
				p.target, p.err = c.srv.cfg.Partitions.Get(kbin.UnsafeString(t.name), p.index)
			}
			if p.err == nil {
				p.err = checkEpoch(p.target, p.epoch)
			}
			if kafkaError(p.err) == kerr.NotLeaderForPartition && version >= 16 {
				p.hint = c.hint(t.name, t.id, p.index)
			}
		}
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

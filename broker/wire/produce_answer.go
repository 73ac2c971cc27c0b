package wire

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/partition"
)

// produceAnswer collects the results of one request's partitions. It is pooled
// with everything in it, and returns to the pool when it was sent.
type produceAnswer struct {
	c           *conn
	correlation int32
	version     int16
	flexible    bool
	silent      bool // acks 0: not in the queue
	pending     atomic.Int32
	topics      []produceTopic
	parts       []*producePart // len: used by this request; cap: spare ones
	names       []byte         // of all topics, copied out of the request
}

type produceTopic struct {
	nameFrom, nameTo int // in names
	id               [16]byte
	from, to         int // in parts
}

// producePart is one partition's result. done is bound once, so that an append
// allocates no closure.
type producePart struct {
	answer *produceAnswer
	topic  string // empty: not found
	index  int32
	result partition.AppendResult
	hint   leaderHint // of a NOT_LEADER_OR_FOLLOWER; leader −1: none
	done   func(partition.AppendResult)
}

var produceAnswers = sync.Pool{New: func() any { return new(produceAnswer) }}

func (a *produceAnswer) addTopic(name []byte, id [16]byte) {
	from := len(a.names)
	a.names = append(a.names, name...)
	a.topics = append(a.topics, produceTopic{from, len(a.names), id, len(a.parts), len(a.parts)})
}

// part makes the next part, of a spare one if there is any.
func (a *produceAnswer) part(index int32) *producePart {
	n := len(a.parts)
	if n < cap(a.parts) && a.parts[:n+1][n] != nil {
		a.parts = a.parts[:n+1]
	} else {
		p := &producePart{answer: a}
		p.done = p.complete
		a.parts = append(a.parts, p)
	}
	p := a.parts[n]
	p.topic, p.index, p.hint.leader = "", index, meta.NoNode
	a.topics[len(a.topics)-1].to = n + 1
	return p
}

// append hands one batch to its partition.
func (a *produceAnswer) append(ctx *deadline, head produceHead, name []byte, id [16]byte, index int32, records []byte) {
	p := a.part(index)
	a.pending.Add(1)
	target, err := a.target(head, name, id, index, records)
	if err == nil {
		p.topic = target.Topic()
		err = target.Append(ctx, records, p.done)
	}
	if err != nil {
		p.refuse(err, name, id)
		return
	}
	a.c.appended = true
}

// target finds the partition, or the reason why there is none.
func (a *produceAnswer) target(head produceHead, name []byte, id [16]byte, index int32, records []byte) (Partition, error) {
	switch {
	case a.version < 3:
		return nil, kerr.UnsupportedVersion
	case head.acks < -1 || head.acks > 1:
		return nil, kerr.InvalidRequiredAcks
	case head.transactional:
		return nil, fmt.Errorf("transactions are not supported: %w", kerr.InvalidTxnState)
	case len(records) == 0:
		return nil, kerr.InvalidRecord
	}
	target, err := a.find(name, id, index)
	if err == nil && target.Internal() {
		return nil, fmt.Errorf("%s is the broker's own, clients cannot produce to it: %w", target.Topic(), kerr.InvalidTopicException)
	}
	return target, err
}

func (a *produceAnswer) find(name []byte, id [16]byte, index int32) (Partition, error) {
	if a.version >= 13 {
		return a.c.srv.cfg.Partitions.GetByID(id, index)
	}
	// The name lives as long as the request, the look-up does not keep it.
	return a.c.srv.cfg.Partitions.Get(kbin.UnsafeString(name), index)
}

// refuse completes a part that was not appended.
func (p *producePart) refuse(err error, name []byte, id [16]byte) {
	a := p.answer
	if kafkaError(err) == kerr.NotLeaderForPartition && a.version >= 10 {
		p.hint = a.c.hint(name, id, p.index)
	}
	p.complete(partition.AppendResult{Err: err})
}

// complete is the done callback. The WAL's reaper runs it: it stores, counts
// and signals, and never waits.
func (p *producePart) complete(r partition.AppendResult) {
	if r.Err != nil {
		r.BaseOffset, r.LogAppendTime, r.LogStart = -1, -1, -1
	}
	p.result = r
	p.answer.finish()
}

// finish counts one part as complete. The last one makes the answer ready; the
// atomic counter also publishes the results to whoever sends it.
func (a *produceAnswer) finish() {
	c, silent := a.c, a.silent
	if a.pending.Add(-1) > 0 {
		return
	}
	// A queued answer may be sent and reused from here on.
	if silent {
		a.silence()
		return
	}
	c.completed()
}

// silence ends a request with acks 0: no answer, and the end of the connection
// when anything failed.
func (a *produceAnswer) silence() {
	for _, p := range a.parts {
		if p.result.Err != nil {
			a.c.codeAt(p.result.Err, place{p.topic, p.index, -1}) // nobody else sees it
			err := fmt.Errorf("produce with acks=0: partition %d: %w", p.index, p.result.Err)
			go a.c.fail(err) // closing a socket may block, and this may be the reaper
			break
		}
	}
	a.release()
}

func (a *produceAnswer) ready() bool { return a.pending.Load() == 0 }

func (a *produceAnswer) size() int64 { return int64(64 + len(a.names) + 64*len(a.parts)) }

func (a *produceAnswer) release() {
	a.c = nil
	a.topics, a.parts, a.names = a.topics[:0], a.parts[:0], a.names[:0]
	if cap(a.parts) <= 1024 { // an unusual request does not stay in the pool
		produceAnswers.Put(a)
	}
}

func (a *produceAnswer) encode(o *outgoing) {
	e := encoder{o, a.version, a.flexible}
	at, ext := o.begin(a.correlation, a.flexible)
	e.array(len(a.topics))
	hinted := false
	for _, t := range a.topics {
		if e.since(13) {
			e.buf = append(e.buf, t.id[:]...)
		} else {
			e.string(a.names[t.nameFrom:t.nameTo])
		}
		e.array(t.to - t.from)
		for _, p := range a.parts[t.from:t.to] {
			p.encode(&e)
			hinted = hinted || p.hint.leader >= 0
		}
		e.endStruct()
	}
	if e.since(1) {
		e.int32(0) // throttle time
	}
	if hinted {
		e.tagBrokers(a.c.srv.cfg.Cluster.Brokers())
	} else {
		e.endStruct()
	}
	o.end(at, ext)
}

func (p *producePart) encode(e *encoder) {
	r := &p.result
	e.int32(p.index)
	e.int16(p.answer.c.codeAt(r.Err, place{p.topic, p.index, -1}))
	e.int64(r.BaseOffset)
	if e.since(2) {
		e.int64(r.LogAppendTime)
	}
	if e.since(5) {
		e.int64(r.LogStart)
	}
	if e.since(8) {
		e.array(0) // errors of single records
		if r.Err == nil {
			e.nullString()
		} else {
			e.string(clip(sentence(r.Err)))
		}
	}
	if p.hint.leader >= 0 {
		e.tagLeader(0, p.hint)
	} else {
		e.endStruct()
	}
}

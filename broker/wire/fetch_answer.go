package wire

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
)

// fetchAnswer is a Fetch answer in the queue. Record bytes that are lent by the
// block cache stay where they are and go from there to the socket.
type fetchAnswer struct {
	c           *conn
	correlation int32
	version     int16
	flexible    bool
	code        int16 // of the whole answer
	session     int32 // 0: none
	topics      []fetchTopic
	parts       []fetchPart
	names       []byte // of all topics, copied out of the request
	bytes       int64  // records
	copied      int64  // bytes of Limits.CopiedBytes that it holds
}

var fetchAnswers = sync.Pool{New: func() any { return new(fetchAnswer) }}

// newFetchAnswer takes over what f has read: it and the answer swap slices, so
// that both keep what they have grown to.
func newFetchAnswer(c *conn, r *request, f *fetchRequest, failure *kerr.Error) *fetchAnswer {
	a := fetchAnswers.Get().(*fetchAnswer)
	a.c, a.correlation, a.version, a.flexible = c, r.correlation, r.version, r.api.isFlexible(r.version)
	a.code, a.session, a.bytes = 0, 0, 0
	if f.session != nil {
		a.session = f.session.id
	}
	if failure != nil {
		a.code = failure.Code
	}
	clear(f.look) // the parts are the answer's now, with what they have read
	f.look = f.look[:0]
	a.topics, f.topics = f.topics, a.topics[:0]
	a.parts, f.parts = f.parts, a.parts[:0]
	for i := range a.topics {
		t := &a.topics[i]
		from := len(a.names)
		a.names = append(a.names, t.name...)
		t.name = a.names[from:]
	}
	for i := range a.parts {
		if read := a.parts[i].read; read != nil {
			a.bytes += int64(read.Bytes)
		}
	}
	return a
}

func (a *fetchAnswer) ready() bool { return true }

func (a *fetchAnswer) size() int64 {
	return a.bytes + int64(64+len(a.names)+64*len(a.parts))
}

// held implements holder.
func (a *fetchAnswer) held() bool {
	for i := range a.parts {
		if a.parts[i].read.Held() {
			return true
		}
	}
	return false
}

// drop implements holder.
func (a *fetchAnswer) drop() {
	for i := range a.parts {
		a.parts[i].read.Release()
	}
}

// detach implements holder.
func (a *fetchAnswer) detach() {
	for i := range a.parts {
		if read := a.parts[i].read; read != nil {
			read.Detach()
		}
	}
}

func (a *fetchAnswer) release() {
	a.drop()
	a.c.srv.copies.Release(a.copied)
	a.copied = 0
	clear(a.topics)
	clear(a.parts)
	a.c, a.topics, a.parts, a.names = nil, a.topics[:0], a.parts[:0], a.names[:0]
	if cap(a.parts) <= 1024 { // an unusual request does not stay in the pool
		fetchAnswers.Put(a)
	}
}

func (a *fetchAnswer) encode(o *outgoing) {
	e := encoder{o, a.version, a.flexible}
	at, ext := o.begin(a.correlation, a.flexible)
	e.int32(0) // throttle time
	if e.since(7) {
		e.int16(a.code)
		e.int32(a.session)
	}
	e.array(len(a.topics))
	hinted := false
	for _, t := range a.topics {
		if e.since(13) {
			e.buf = append(e.buf, t.id[:]...)
		} else {
			e.string(t.name)
		}
		e.array(t.to - t.from)
		for i := t.from; i < t.to; i++ {
			a.parts[i].encode(&e, a.c)
			hinted = hinted || a.parts[i].hint.leader >= 0
		}
		e.endStruct()
	}
	if hinted {
		e.tagBrokers(a.c.srv.cfg.Cluster.Brokers())
	} else {
		e.endStruct()
	}
	o.end(at, ext)
}

func (p *fetchPart) place() place {
	at := place{partition: p.index, offset: p.offset}
	if p.target != nil {
		at.topic = p.target.Topic()
	}
	return at
}

func (p *fetchPart) encode(e *encoder, c *conn) {
	e.int32(p.index)
	if p.err == nil {
		e.int16(0)
	} else {
		e.int16(c.codeAt(p.err, p.place()))
	}
	e.int64(p.high)
	e.int64(p.stable)
	if e.since(5) {
		e.int64(p.logStart)
	}
	e.array(0) // aborted transactions
	if e.since(11) {
		e.int32(-1) // preferred replica
	}
	// No records are empty bytes, not null: some clients cannot take null.
	if p.read == nil {
		e.length(0, 4)
	} else {
		e.length(p.read.Bytes, 4)
		for _, b := range p.read.Buffers {
			e.external(b)
		}
	}
	if p.hint.leader >= 0 {
		e.tagLeader(1, p.hint)
	} else {
		e.endStruct()
	}
}

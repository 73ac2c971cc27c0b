package wire

import (
	"net"
	"sync"
)

// answerQueue is a connection's FIFO of answers: pushed by the reader, popped
// by whoever flushes.
type answerQueue struct {
	mu      sync.Mutex
	fifo    []entry // guarded by mu
	head    int     // first live entry of fifo; guarded by mu
	bytes   int64   // sum of the sizes, of those being written too; guarded by mu
	writing bool    // somebody flushes; guarded by mu
	closed  bool    // nothing is sent any more; guarded by mu
	slow    bool    // the client is slow to take what is being sent; guarded by mu

	sending []entry     // owned by the one who set writing
	out     outgoing    // owned by the one who set writing
	vec     net.Buffers // owned by the one who set writing; a field, so that it need not escape
}

type entry struct {
	answer answer
	size   int64
}

// push appends an answer in the order of requests. Only the reader calls it.
// Behind what a slow client does not take, nothing waits in memory that others
// need.
func (c *conn) push(a answer) {
	q := &c.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.slow {
		if err := detach(a); err != nil {
			c.fail(err)
		}
	}
	size := a.size()
	q.fifo = append(q.fifo, entry{a, size})
	q.bytes += size
}

// flush sends every answer that is ready and has none before it that is not.
// Any goroutine may call it. When another is at it already it returns at once:
// that one looks again after each write, under the lock, so that nothing that
// was ready before this call stays behind.
func (c *conn) flush() {
	q := &c.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.writing {
		return
	}
	q.writing = true
	for q.take() {
		closed := q.closed
		q.mu.Unlock()
		err := c.send(closed)
		q.mu.Lock()
		q.sent()
		if err != nil {
			q.closed = true
			c.fail(err)
		}
		signal(c.space)
	}
	q.writing = false
}

// take moves the ready front of the queue to sending. Called with mu held.
func (q *answerQueue) take() bool {
	for q.head < len(q.fifo) && q.fifo[q.head].answer.ready() {
		q.sending = append(q.sending, q.fifo[q.head])
		q.fifo[q.head] = entry{}
		q.head++
	}
	switch {
	case q.head == len(q.fifo):
		q.fifo, q.head = q.fifo[:0], 0
	case q.head >= 64 && q.head*2 >= len(q.fifo):
		// A connection that always has something pending would grow for ever.
		n := copy(q.fifo, q.fifo[q.head:])
		clear(q.fifo[n:])
		q.fifo, q.head = q.fifo[:n], 0
	}
	return len(q.sending) > 0
}

// sent takes what was sent off the account. Called with mu held.
func (q *answerQueue) sent() {
	for _, e := range q.sending {
		q.bytes -= e.size
	}
	clear(q.sending)
	q.sending, q.slow = q.sending[:0], false
}

// send writes what take took, in one writev where the transport can.
func (c *conn) send(closed bool) error {
	q := &c.queue
	defer func() {
		q.out.reset()
		for _, e := range q.sending {
			e.answer.release()
		}
	}()
	if closed {
		return nil
	}
	held := false
	for _, e := range q.sending {
		e.answer.encode(&q.out)
		h, ok := e.answer.(holder)
		held = held || (ok && h.held())
	}
	return c.writev(q.out.vector(), held)
}

func (q *answerQueue) over(lim *Limits) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes >= lim.AnswerBytes || len(q.fifo)-q.head >= lim.AnswersQueued
}

func (q *answerQueue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.head == len(q.fifo) && !q.writing
}

// discard drops the queue of a dead connection. What is not ready yet pins
// nothing and is left to the callbacks that still hold it.
func (q *answerQueue) discard() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, e := range q.fifo[q.head:] {
		if e.answer.ready() {
			e.answer.release()
		}
	}
	q.fifo, q.head = nil, 0
}

// write is the writer goroutine.
func (c *conn) write() {
	defer c.srv.readers.Done()
	for {
		select {
		case <-c.wake:
			c.flush()
		case <-c.dead:
			return
		}
	}
}

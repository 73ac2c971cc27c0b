package wire

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// holder is an answer whose bytes may lie in memory that others need: blocks
// that the block cache has lent.
type holder interface {
	held() bool
	// drop gives the memory back; the answer has been encoded, and what was
	// encoded is not used any more.
	drop()
	// detach copies it; the answer has not been encoded yet.
	detach()
}

// leastProgress is what a slow client must take in each Limits.Write to be
// waited for again.
const leastProgress = 64 << 10

// writev sends the pieces. The client has Limits.Hold to take them; from then on
// it is slow, and nothing of what it is to get is held:
//
//	held ── Hold ──▶ copied ── rest of Write ──▶ 64 KiB more? ─▶ Write once more
//	                   │                            └ no ─▶ closed
//	                   └ no room for copies ─▶ closed
func (c *conn) writev(vec [][]byte, held bool) error {
	q, lim := &c.queue, &c.srv.cfg.Limits
	copied := int64(0)
	defer func() { c.srv.copies.Release(copied) }()
	patience, slow := min(lim.Hold, lim.Write), false
	for q.vec = vec; len(q.vec) > 0; {
		c.nc.SetWriteDeadline(time.Now().Add(patience))
		n, err := q.vec.WriteTo(c.nc)
		c.srv.stats.bytesOut.Add(n)
		c.srv.stats.writes.Add(1)
		switch {
		case err == nil:
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return fmt.Errorf("write: %w", err)
		case !slow:
			slow, patience = true, max(lim.Write-patience, lim.Hold)
			if held {
				if copied, err = c.letGo(); err != nil {
					return err
				}
			}
			if err := q.detach(); err != nil {
				return err
			}
		case n < leastProgress:
			return fmt.Errorf("client takes its answers too slowly: %d bytes in %v", n, lim.Write)
		default:
			patience = lim.Write
		}
	}
	return nil
}

// letGo copies what is left to be sent, so that the caches have their memory
// back whatever the client does. It returns the bytes that it took of
// Limits.CopiedBytes.
func (c *conn) letGo() (int64, error) {
	q := &c.queue
	rest := int64(0)
	for _, b := range q.vec {
		rest += int64(len(b))
	}
	if !c.srv.copies.TryAcquire(rest) {
		return 0, errCopies
	}
	all := make([]byte, 0, rest)
	for _, b := range q.vec {
		all = append(all, b...)
	}
	q.vec = net.Buffers{all}
	for _, e := range q.sending {
		if h, ok := e.answer.(holder); ok {
			h.drop()
		}
	}
	c.srv.stats.detached.Add(1)
	return rest, nil
}

// errCopies closes a connection whose answers cannot be copied.
var errCopies = errors.New("client takes its answers too slowly, and too much is copied for such clients already")

// detach copies the answers that wait, and has those copied that come until the
// client has taken what is being sent.
func (q *answerQueue) detach() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.slow = true
	for _, e := range q.fifo[q.head:] {
		if err := detach(e.answer); err != nil {
			return err
		}
	}
	return nil
}

// detach copies an answer that holds memory. It takes its size of
// Limits.CopiedBytes until it is released.
func detach(queued answer) error {
	a, ok := queued.(*fetchAnswer)
	if !ok || !a.held() {
		return nil
	}
	if !a.c.srv.copies.TryAcquire(a.bytes) {
		return errCopies
	}
	a.copied = a.bytes
	a.detach()
	return nil
}

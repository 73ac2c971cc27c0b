package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidelog/tide/broker/stream"
)

// conn is one connection: a reader goroutine that does the work, and a writer
// goroutine that sleeps until answers become ready without the reader.
type conn struct {
	srv    *Server
	id     uint64 // tells readers of one partition apart
	nc     net.Conn
	addr   netip.Addr // zero when the transport has none
	remote string
	ctx    context.Context // ends with the connection, or when the server closes
	cancel context.CancelFunc

	in       frames
	appended bool           // reader: something was appended since the last commit
	waiter   *stream.Waiter // reader: of long polls
	timer    *time.Timer    // reader: of long polls; stopped between them
	fetch    fetchRequest   // reader: reused from request to request
	session  *fetchSession  // reader: nil: none
	patience deadline       // reader: of the produce request at hand

	leading atomic.Bool   // the reader is inside Commit and flushes after it
	wake    chan struct{} // capacity 1: an answer became ready
	space   chan struct{} // capacity 1: the queue became shorter
	dead    chan struct{} // closed by fail
	once    sync.Once     // of fail

	queue answerQueue
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{
		srv:    s,
		id:     s.connections.Add(1),
		nc:     nc,
		remote: nc.RemoteAddr().String(),
		wake:   make(chan struct{}, 1),
		space:  make(chan struct{}, 1),
		dead:   make(chan struct{}),
		waiter: stream.NewWaiter(),
	}
	if ap, err := netip.ParseAddrPort(c.remote); err == nil {
		c.addr = ap.Addr().Unmap()
	}
	c.ctx, c.cancel = context.WithCancel(s.ctx)
	c.in.init(c)
	c.patience = deadline{parent: c.ctx, waits: c.yield}
	return c
}

// read is the reader goroutine.
func (c *conn) read() {
	defer c.srv.readers.Done()
	err := c.loop()
	// What was appended must be committed even when the connection is broken:
	// nobody else may come to do it, and it holds space in the WAL.
	c.commit()
	c.flush() // what was asked before a bad frame is answered
	if errors.Is(err, ErrServerClosed) {
		c.drain()
	}
	c.fail(err)
	c.in.close()
	c.closeSession()
	c.queue.discard()
	c.srv.leave(c)
}

// loop serves until the connection is at its end; the reason is returned.
func (c *conn) loop() error {
	for {
		for {
			frame, err := c.in.next()
			if err != nil {
				return err
			}
			if frame == nil {
				break
			}
			if err := c.dispatch(frame); err != nil {
				return err
			}
			c.in.consumed()
			if c.srv.closing.Load() {
				return ErrServerClosed
			}
		}
		c.commit()
		c.flush()
		if err := c.in.fill(); err != nil {
			return err
		}
	}
}

// dispatch serves one request.
func (c *conn) dispatch(frame []byte) error {
	r, err := parseRequest(frame)
	if err != nil {
		return err
	}
	c.srv.stats.requests[r.api.key].Add(1)
	c.in.trusted = true
	if err := c.admit(); err != nil {
		return err
	}
	if r.api.key != keyProduce {
		// All but Produce may wait for something, perhaps for the very records
		// that came just before on this connection.
		c.commit()
		c.flush()
	}
	if err := r.api.serve(c, &r); err != nil {
		return fmt.Errorf("%s v%d: %w", r.api.name, r.version, err)
	}
	return nil
}

// commit leads the WAL's commit of what this connection appended.
func (c *conn) commit() {
	if !c.appended {
		return
	}
	c.appended = false
	// Between the two stores the done callbacks of this connection need not
	// wake the writer, since the reader flushes right after. None is lost: a
	// callback sets its answer ready and THEN looks at leading; if it still
	// saw true, our store of false, and with it the flush, comes later.
	c.leading.Store(true)
	c.srv.cfg.Commit()
	c.leading.Store(false)
	c.flush()
}

// yield commits before the reader waits in the middle of a request. It does
// not flush: a partition's lock may be held, and sockets are slow.
func (c *conn) yield() {
	if c.appended {
		c.appended = false
		c.srv.cfg.Commit()
	}
}

// completed is called after an answer became ready, by any goroutine; it never
// blocks.
func (c *conn) completed() {
	if !c.leading.Load() {
		signal(c.wake)
	}
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default: // one is due already
	}
}

// admit holds the reader back while too many answers are queued.
func (c *conn) admit() error {
	lim := &c.srv.cfg.Limits
	if !c.queue.over(lim) {
		return nil
	}
	c.srv.stats.answersFull.Add(1)
	c.commit()
	for c.flush(); c.queue.over(lim); {
		select {
		case <-c.space:
		case <-c.dead:
			return net.ErrClosed
		case <-c.srv.ctx.Done():
			return ErrServerClosed
		}
	}
	return nil
}

// drain waits until all answers are sent; a Close that loses patience fails
// the connection and so ends the wait.
func (c *conn) drain() {
	for c.flush(); !c.queue.empty(); {
		select {
		case <-c.space:
		case <-c.dead:
			return
		}
	}
}

// interrupt makes the reader notice that the server closes.
func (c *conn) interrupt() { c.nc.SetReadDeadline(time.Unix(1, 0)) }

// fail closes the connection. The first reason is logged, unless it is our own
// orderly end; a client that went away is worth a line only to who debugs.
func (c *conn) fail(err error) {
	c.once.Do(func() {
		switch {
		case err == nil || errors.Is(err, ErrServerClosed):
		case hungUp(err):
			c.srv.log.Debug("client left", "remote", c.remote, "err", err)
		default:
			c.srv.stats.broken.Add(1)
			c.srv.log.Warn("connection closed", "remote", c.remote, "err", err)
		}
		c.cancel()
		close(c.dead)
		c.nc.Close()
	})
}

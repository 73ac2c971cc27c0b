package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/tidelog/tide/internal/arena"
)

// Server serves the Kafka protocol on any number of listeners.
type Server struct {
	cfg    Config
	log    *slog.Logger
	ctx    context.Context // ends when Close begins: long polls answer, back-pressure gives up
	cancel context.CancelFunc
	budget *semaphore.Weighted // of Limits.BufferedBytes
	memory *arena.Pool         // of large frames

	copies *semaphore.Weighted // of Limits.CopiedBytes

	connections atomic.Uint64 // so far
	sessions    sessionCounts // of fetch sessions

	closing atomic.Bool
	ids     producerIDs
	stats   counters
	trouble troubles
	readers sync.WaitGroup // the readers and writers of all connections

	mu        sync.Mutex
	listeners map[net.Listener]struct{} // guarded by mu
	conns     map[*conn]struct{}        // guarded by mu
	addresses map[netip.Addr]int        // open connections by address; guarded by mu
}

func frameMemory(l Limits) *arena.Pool {
	return arena.NewPool(arena.PoolConfig{
		Least: 2 * homeBytes, Most: max(2*homeBytes, lengthSize+max(l.ProduceBytes, l.RequestBytes)), Keep: min(keptFrames, l.BufferedBytes),
	})
}

// ErrServerClosed is what Serve returns after Close.
var ErrServerClosed = errors.New("wire: server closed")

// New makes a server that listens nowhere yet.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{
		cfg:       cfg,
		log:       cfg.Logger,
		trouble:   troubles{logger: cfg.Logger},
		budget:    semaphore.NewWeighted(cfg.Limits.BufferedBytes),
		memory:    frameMemory(cfg.Limits),
		copies:    semaphore.NewWeighted(cfg.Limits.CopiedBytes),
		listeners: make(map[net.Listener]struct{}),
		conns:     make(map[*conn]struct{}),
		addresses: make(map[netip.Addr]int),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Serve accepts connections until Close, then returns ErrServerClosed. It
// closes the listener.
func (s *Server) Serve(l net.Listener) error {
	if !s.track(l) {
		l.Close()
		return ErrServerClosed
	}
	defer s.untrack(l)
	for {
		nc, err := l.Accept()
		if err == nil {
			s.accept(nc)
			continue
		}
		if s.closing.Load() {
			return ErrServerClosed
		}
		if !s.pause(err) {
			return fmt.Errorf("wire: accept on %s: %w", l.Addr(), err)
		}
	}
}

// acceptPause is the wait after an Accept that failed for want of file
// descriptors or the like. Closing the listener for it would end the broker.
const acceptPause = 50 * time.Millisecond

// pause waits when err is one that passes; false: it is final.
func (s *Server) pause(err error) bool {
	if errors.Is(err, net.ErrClosed) {
		return false
	}
	s.log.Warn("accept failed", "err", err)
	select {
	case <-time.After(acceptPause):
		return true
	case <-s.ctx.Done():
		return true
	}
}

func (s *Server) track(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) untrack(l net.Listener) {
	l.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

// accept starts a connection, or closes it when there are too many.
func (s *Server) accept(nc net.Conn) {
	c := newConn(s, nc)
	if err := s.enter(c); err != nil {
		s.stats.refused.Add(1)
		s.log.Warn("connection refused", "remote", c.remote, "err", err)
		nc.Close()
		return
	}
	s.stats.accepted.Add(1)
	go c.read()
	go c.write()
}

func (s *Server) enter(c *conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	lim := s.cfg.Limits
	switch {
	case s.closing.Load():
		return ErrServerClosed
	case len(s.conns) >= lim.Connections:
		return fmt.Errorf("%d connections are open, the limit", len(s.conns))
	case s.addresses[c.addr] >= lim.ConnectionsPerAddress:
		return fmt.Errorf("%d connections from %s are open, the limit for one address", s.addresses[c.addr], c.addr)
	}
	s.conns[c] = struct{}{}
	s.addresses[c.addr]++
	s.readers.Add(2)
	return nil
}

func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.addresses[c.addr]--; s.addresses[c.addr] == 0 {
		delete(s.addresses, c.addr)
	}
}

// Close stops accepting and reading, lets every connection send the answers
// that are due (produce requests already appended are answered when durable)
// and closes it. When ctx ends first, the rest is closed unanswered and the
// error is ctx's.
func (s *Server) Close(ctx context.Context) error {
	for _, c := range s.stop() {
		c.interrupt()
	}
	done := make(chan struct{})
	go func() {
		s.readers.Wait()
		close(done)
	}()
	select {
	case <-done:
		return s.memory.Close()
	case <-ctx.Done():
	}
	for _, c := range s.open() {
		c.fail(ErrServerClosed)
	}
	// A reader that is in the middle of a frame gives its buffer back itself.
	return errors.Join(fmt.Errorf("wire: close: %w", ctx.Err()), s.memory.Close())
}

func (s *Server) stop() []*conn {
	s.mu.Lock()
	s.closing.Store(true)
	for l := range s.listeners {
		l.Close()
	}
	s.mu.Unlock()
	s.cancel()
	return s.open()
}

func (s *Server) open() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		open = append(open, c)
	}
	return open
}

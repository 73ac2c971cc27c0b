package raftmeta

import (
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// stream is raft's TCP layer. raft has one of its own, but that closes only the
// listener: connections that peers made live on until the peers let go of them.
// This one knows every connection and ends them all.
type stream struct {
	net.Listener
	advertise net.Addr

	mu     sync.Mutex
	conns  map[net.Conn]struct{} // guarded by mu; open ones
	closed bool                  // guarded by mu
}

var _ raft.StreamLayer = (*stream)(nil)

func listenTCP(listen, advertise string) (*stream, error) {
	adv, err := net.ResolveTCPAddr("tcp", advertise)
	if err != nil {
		return nil, fmt.Errorf("raftmeta: advertised address: %w", err)
	}
	if adv.IP == nil || adv.IP.IsUnspecified() {
		return nil, fmt.Errorf("raftmeta: advertised address %s: other voters cannot dial it; set Advertise to this host's", advertise)
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("raftmeta: listening on %s: %w", listen, err)
	}
	return &stream{Listener: l, advertise: adv, conns: map[net.Conn]struct{}{}}, nil
}

// Accept implements net.Listener.
func (s *stream) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return s.track(c)
}

// Dial implements raft.StreamLayer.
func (s *stream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	c, err := net.DialTimeout("tcp", string(address), timeout)
	if err != nil {
		return nil, err
	}
	return s.track(c)
}

// Addr is what raft tells the other voters.
func (s *stream) Addr() net.Addr { return s.advertise }

// Close ends the listener and every connection.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.conns {
		_ = c.Close() // nothing depends on how a connection ends
	}
	clear(s.conns)
	return s.Listener.Close()
}

func (s *stream) track(c net.Conn) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	s.conns[c] = struct{}{}
	return &conn{Conn: c, stream: s}, nil
}

// conn is forgotten when it is closed.
type conn struct {
	net.Conn
	stream *stream
}

func (c *conn) Close() error {
	c.stream.mu.Lock()
	delete(c.stream.conns, c.Conn)
	c.stream.mu.Unlock()
	return c.Conn.Close()
}

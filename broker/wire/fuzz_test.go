package wire

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// script is a connection on which a fixed input arrives, in pieces, and whose
// output is thrown away.
type script struct {
	net.Conn
	in    *bytes.Reader
	piece int
}

func (s *script) Read(p []byte) (int, error) {
	return s.in.Read(p[:min(len(p), s.piece)])
}
func (s *script) Write(p []byte) (int, error)      { return len(p), nil }
func (s *script) Close() error                     { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)} }

// sessionFrames opens a session, changes it, forgets a partition of it, asks
// at a wrong epoch, and closes it.
func sessionFrames() (all []byte) {
	for i, epoch := range []int32{wantsSession, 1, 2, 2, noSession} {
		req := fetch(12, "s1", int32(i%2))
		req.SessionEpoch, req.MaxWaitMillis = epoch, int32(i)
		if i > 0 {
			req.SessionID = 1
		}
		if i == 2 {
			req.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{{Topic: "s1", Partitions: []int32{0, 7}}}
		}
		all = append(all, frameOf(req, int32(i))...)
	}
	return all
}

// FuzzConnection feeds arbitrary bytes to a whole connection. It must come to
// its end, without a panic, whatever they are.
func FuzzConnection(f *testing.F) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, a := range apis {
		if a == nil {
			continue
		}
		for version := a.min; version <= a.max; version++ {
			one := frameOf(randomRequest(a, version, rnd), 1)
			f.Add(append(one, frameOf(randomRequest(a, version, rnd), 2)...), uint16(7))
		}
	}
	f.Add(append(frameOf(produce(9, -1, "s1", 0, batch(10)), 1), frameOf(fetch(12, "s1", 0), 2)...), uint16(1<<15))
	f.Add(sessionFrames(), uint16(1<<15))
	f.Fuzz(func(t *testing.T, data []byte, piece uint16) {
		b := newFakeBroker()
		b.topic("s1", 1, 2)
		cfg := b.config(nil)
		cfg.Logger = slog.New(slog.DiscardHandler)
		cfg.Limits.FetchWait = time.Millisecond
		srv, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		srv.accept(&script{in: bytes.NewReader(data), piece: int(piece) + 1})
		srv.readers.Wait()
		if err := srv.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzBodies compares the shapes with the generated decoders: neither may
// panic, and on what a shape accepts the generated one works too, except that
// it also refuses null where the protocol has none.
func FuzzBodies(f *testing.F) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, a := range apis {
		if a == nil {
			continue
		}
		for version := a.min; version <= a.max; version++ {
			f.Add(a.key, version, randomRequest(a, version, rnd).AppendTo(nil))
		}
	}
	f.Fuzz(func(t *testing.T, key, version int16, body []byte) {
		a := lookup(key)
		if a == nil || !a.serves(version) {
			return
		}
		rest, err := check(a, version, body)
		if err != nil {
			return // and the generated decoder is never asked
		}
		req := kmsg.RequestForKey(key)
		req.SetVersion(version)
		if req.ReadFrom(body) != nil || len(rest) > 0 {
			return
		}
		if len(req.AppendTo(nil)) > 4*len(body)+64 {
			t.Fatalf("%s v%d: %d bytes became %d", a.name, version, len(body), len(req.AppendTo(nil)))
		}
	})
}

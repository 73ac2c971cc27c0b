package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidelog/tide/broker/stream"
)

// lender is a partition whose reads are lent: three batches each time.
type lender struct {
	fakePartition
	out   atomic.Int64 // loans that are not returned
	reads atomic.Int64
}

type loan struct{ out *atomic.Int64 }

func (l loan) Return() { l.out.Add(-1) }

func lentRecords() [][]byte { return [][]byte{batch(3000), batch(5000), batch(70)} }

func (p *lender) FetchFor(context.Context, stream.Want) (*stream.Read, error) {
	p.reads.Add(1)
	p.out.Add(2)
	return stream.NewRead(3, lentRecords(), loan{&p.out}, loan{&p.out}), nil
}

// lends knows the one partition.
type lends struct {
	*fakeBroker
	part Partition
}

func (l lends) Get(string, int32) (Partition, error) { return l.part, nil }

// slowClient is a connection to a server over a pipe, whose time is the test's.
type slowClient struct {
	t    *testing.T
	part *lender
	srv  *Server
	conn net.Conn
}

func newSlowClient(t *testing.T, change func(*Limits)) *slowClient {
	b := newFakeBroker()
	cfg := b.config(nil)
	cfg.Logger = slog.New(slog.DiscardHandler)
	if change != nil {
		change(&cfg.Limits)
	}
	c := &slowClient{t: t, part: &lender{}}
	c.part.topic, c.part.high = "topic", 3
	cfg.Partitions = lends{b, c.part}
	var err error
	c.srv, err = New(cfg)
	require.NoError(t, err)
	ours, theirs := net.Pipe()
	c.conn = ours
	c.srv.accept(theirs)
	return c
}

func (c *slowClient) fetch() {
	_, err := c.conn.Write(frameOf(fetch(11, "topic", 0), 1))
	require.NoError(c.t, err)
	synctest.Wait()
}

// answer reads one frame to its end, of which begun was read before.
func (c *slowClient) answer(begun ...byte) []byte {
	r := io.MultiReader(bytes.NewReader(begun), c.conn)
	head := make([]byte, lengthSize)
	_, err := io.ReadFull(r, head)
	require.NoError(c.t, err)
	body := make([]byte, binary.BigEndian.Uint32(head))
	_, err = io.ReadFull(r, body)
	require.NoError(c.t, err)
	return body
}

func (c *slowClient) close() {
	c.conn.Close()
	require.NoError(c.t, c.srv.Close(c.t.Context()))
	require.Zero(c.t, c.part.out.Load(), "every loan is returned")
	require.True(c.t, c.srv.copies.TryAcquire(c.srv.cfg.Limits.CopiedBytes), "and every copy is off the account")
}

// TestSlowConsumerReturnsItsLoans: a client that does not read has the memory
// for Limits.Hold and no longer; what it reads later is whole.
func TestSlowConsumerReturnsItsLoans(t *testing.T) {
	for name, before := range map[string]int{"nothing read": 0, "header read": 40, "in the midst of a batch": 4000} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newSlowClient(t, nil)
				defer c.close()
				c.fetch()
				begun := make([]byte, before)
				_, err := io.ReadFull(c.conn, begun)
				require.NoError(t, err)
				time.Sleep(c.srv.cfg.Limits.Hold - time.Millisecond)
				synctest.Wait()
				require.EqualValues(t, 2, c.part.out.Load(), "it is lent for as long as it may be")
				time.Sleep(time.Millisecond)
				synctest.Wait()
				require.Zero(t, c.part.out.Load())
				require.EqualValues(t, 1, c.srv.Stats().Detached)

				all := c.answer(begun...)
				require.True(t, bytes.Contains(all, bytes.Join(lentRecords(), nil)))
				c.fetch()
				c.answer()
			})
		})
	}
}

// TestFastConsumerIsLent: what is taken in time is never copied.
func TestFastConsumerIsLent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newSlowClient(t, nil)
		defer c.close()
		for range 3 {
			c.fetch()
			require.True(t, bytes.Contains(c.answer(), bytes.Join(lentRecords(), nil)))
			synctest.Wait()
			require.Zero(t, c.part.out.Load())
		}
		require.Zero(t, c.srv.Stats().Detached)
	})
}

// TestSlowConsumerIsClosed: when there is no room for copies, the connection
// goes; and one whose copy is not taken either goes later.
func TestSlowConsumerIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newSlowClient(t, func(l *Limits) { l.CopiedBytes = 1000 })
		c.fetch()
		time.Sleep(c.srv.cfg.Limits.Hold)
		synctest.Wait()
		require.EqualValues(t, 1, c.srv.Stats().Broken)
		c.close()
	})
	synctest.Test(t, func(t *testing.T) {
		c := newSlowClient(t, nil)
		c.fetch()
		time.Sleep(c.srv.cfg.Limits.Hold)
		synctest.Wait()
		require.Zero(t, c.srv.Stats().Broken)
		time.Sleep(c.srv.cfg.Limits.Write)
		synctest.Wait()
		require.EqualValues(t, 1, c.srv.Stats().Broken)
		c.close()
	})
}

// TestNothingWaitsLentBehindASlowClient: neither what is asked for before the
// client is slow nor what it asks for after that.
func TestNothingWaitsLentBehindASlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newSlowClient(t, nil)
		defer c.close()
		synctest.Wait() // the reader reads: one on its way there would flush what is pushed, and hang in it
		conn := c.srv.open()[0]
		conn.push(newMessage(&request{api: apis[keyApiVersions]}, kmsg.NewPtrApiVersionsResponse()))
		go conn.flush() // as the writer does with answers of Produce: it holds nothing and is in the way
		synctest.Wait()
		c.fetch()
		require.EqualValues(t, 2, c.part.out.Load())
		time.Sleep(c.srv.cfg.Limits.Hold)
		synctest.Wait()
		require.Zero(t, c.part.out.Load())
		c.fetch()
		require.Zero(t, c.part.out.Load())
		c.answer()
		for range 2 {
			require.True(t, bytes.Contains(c.answer(), bytes.Join(lentRecords(), nil)))
		}
		c.fetch()
		require.EqualValues(t, 2, c.part.out.Load(), "a client that is quick again is lent to")
		c.answer()
	})
}

// TestQueuedAnswersLetGo: answers that wait behind a slow one are copied with
// it, as far as there is room for copies.
func TestQueuedAnswersLetGo(t *testing.T) {
	b := newFakeBroker()
	cfg := b.config(nil)
	cfg.Logger, cfg.Limits.CopiedBytes = slog.New(slog.DiscardHandler), 20_000
	srv, err := New(cfg)
	require.NoError(t, err)
	c := newConn(srv, &script{in: bytes.NewReader(nil)})
	part := &lender{}
	queue := func() {
		read, _ := part.FetchFor(t.Context(), stream.Want{})
		c.push(newFetchAnswer(c, &request{api: apis[keyFetch]}, &fetchRequest{parts: []fetchPart{{read: read, hint: leaderHint{leader: -1}}}, topics: []fetchTopic{{to: 1}}}, nil))
	}
	queue()
	queue()
	require.NoError(t, c.queue.detach())
	require.Zero(t, part.out.Load())
	require.NoError(t, c.queue.detach(), "copied once")
	queue() // there is no room for its copy
	<-c.dead
	require.ErrorIs(t, c.queue.detach(), errCopies)
	require.EqualValues(t, 2, part.out.Load())
	c.queue.discard()
	require.Zero(t, part.out.Load())
	require.True(t, srv.copies.TryAcquire(20_000))
}

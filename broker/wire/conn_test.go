package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// eventually waits for a condition that another goroutine brings about.
func eventually(t *testing.T, cond func() bool, what string) {
	require.Eventually(t, cond, 20*time.Second, time.Millisecond, what)
}

func TestBadFramesCloseTheConnectionWithOneLine(t *testing.T) {
	header := func(size, key, version int) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(size))
		b = binary.BigEndian.AppendUint16(b, uint16(key))
		b = binary.BigEndian.AppendUint16(b, uint16(version))
		return append(b, 0, 0, 0, 1)
	}
	cases := []struct {
		name, log string
		bytes     []byte
	}{
		{"HTTP", "frame of 1195725856 bytes announced", []byte("GET / HTTP/1.1\r\n\r\n")},
		{"TLS hello", "frame of 369295616 bytes announced", []byte{0x16, 3, 1, 0, 0xa5, 1, 0, 0}},
		{"negative size", "frame of -1 bytes announced", []byte{0xff, 0xff, 0xff, 0xff}},
		{"size below a header", "frame of 7 bytes announced", []byte{0, 0, 0, 7}},
		{"unknown key", "unknown API key 99", header(100, 99, 0)},
		{"negative key", "unknown API key -1", header(100, 0xffff, 0)},
		{"unknown version", "Metadata v14, served are 0 to 13", header(100, 3, 14)},
		{"version below the first", "Fetch v3, served are 4 to 18", header(100, 1, 3)},
		{"too large for its key", "Metadata of 4194305 bytes announced", append(frameOf(kmsg.NewPtrMetadataRequest(), 1), header(4<<20+1, 3, 0)...)},
		{"too large for a stranger", "Metadata of 70000 bytes announced, allowed are 65536", header(70_000, 3, 0)},
		{"client id beyond the frame", "header of Metadata v0", append(header(10, 3, 0), 0x7f, 0xff)},
		{"body cut", "Metadata v0: a length reaches beyond", append(header(14, 3, 0), 0xff, 0xff, 0, 0, 0, 5)},
		{"produce cut", "Produce v3: a length reaches beyond", append(header(14, 0, 3), 0xff, 0xff, 0xff, 0xff, 0, 1)},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			h := newHarness(t, nil)
			c := h.dial()
			_, err := c.conn.Write(tc.bytes)
			require.NoError(t, err)
			if strings.HasPrefix(tc.name, "too large for its") {
				c.frame() // of the good request before
			}
			c.closed()
			eventually(t, func() bool { return len(h.log.all()) > 0 }, "a line in the log")
			lines := h.log.all()
			require.Len(t, lines, 1)
			require.Contains(t, lines[0], tc.log)
			// Nobody else is troubled.
			h.dial().ask(kmsg.NewPtrMetadataRequest())
		})
	}
}

func TestOrderlyEndIsNotLogged(t *testing.T) {
	h := newHarness(t, nil)
	c := h.dial()
	c.ask(kmsg.NewPtrMetadataRequest())
	c.conn.Close()
	eventually(t, func() bool { return h.srv.Stats().Open == 0 }, "the connection to go")
	require.Empty(t, h.log.all())
}

// A client that dies, in the middle of a frame or with answers unread, is no
// trouble of the broker's.
func TestClientsThatDieAreNotLogged(t *testing.T) {
	h := newHarness(t, nil)
	h.broker.topic("topic", 7, 1)[0].put(4 << 20)
	cut := h.dial()
	_, err := cut.conn.Write(frameOf(kmsg.NewPtrMetadataRequest(), 1)[:9])
	require.NoError(t, err)
	cut.conn.Close()
	reset := h.dial()
	reset.send(fetch(11, "topic", 0))
	reset.send(fetch(11, "topic", 0))
	readFull(t, reset.conn, make([]byte, 8)) // the answer is under way, most of it unread
	require.NoError(t, reset.conn.(*net.TCPConn).SetLinger(0))
	reset.conn.Close()
	eventually(t, func() bool { s := h.srv.Stats(); return s.Accepted == 2 && s.Open == 0 }, "the connections to go")
	require.Empty(t, h.log.all())
	require.Zero(t, h.srv.Stats().Broken)
	for _, err := range []error{syscall.EPIPE, syscall.ECONNRESET, io.EOF} {
		require.True(t, hungUp(fmt.Errorf("writev: %w", &net.OpError{Err: os.NewSyscallError("writev", err)})))
	}
}

// Requests in one write: the answers come in order whatever becomes ready
// first, and one commit serves them all.
func TestAnswersComeInOrder(t *testing.T) {
	h := newHarness(t, nil)
	h.broker.topic("topic", 7, 1)
	h.broker.set(func() { h.broker.held = true })
	c := h.dial()
	var frames []byte
	var reqs []kmsg.Request
	for i := range int32(6) {
		var req kmsg.Request = produce(9, -1, "topic", 0, batch(10))
		if i%2 == 1 {
			req = kmsg.NewPtrMetadataRequest()
		}
		reqs = append(reqs, req)
		frames = append(frames, frameOf(req, i)...)
	}
	_, err := c.conn.Write(frames)
	require.NoError(t, err)
	eventually(t, func() bool { return h.broker.appendedCount() == 3 }, "three appends")
	// Durable in the wrong order, from other goroutines.
	var undone []func()
	h.broker.set(func() { undone, h.broker.undone = h.broker.undone, nil })
	for _, i := range []int{2, 1, 0} {
		go undone[i]()
	}
	for i, req := range reqs {
		c.answer(req, int32(i))
	}
}

func TestOneCommitForAllRequestsInTheBuffer(t *testing.T) {
	h := newHarness(t, nil)
	h.broker.topic("topic", 7, 1)
	c := h.dial()
	var frames []byte
	for i := range int32(20) {
		frames = append(frames, frameOf(produce(9, -1, "topic", 0, batch(10)), i)...)
	}
	// One byte is held back until the rest has been read and answered.
	_, err := c.conn.Write(frames[:len(frames)-1])
	require.NoError(t, err)
	for i := range int32(19) {
		c.answer(produce(9, -1, "topic", 0, nil), i)
	}
	_, err = c.conn.Write(frames[len(frames)-1:])
	require.NoError(t, err)
	c.answer(produce(9, -1, "topic", 0, nil), 19)
	h.broker.mu.Lock()
	defer h.broker.mu.Unlock()
	require.LessOrEqual(t, h.broker.commits, 20)
	require.Positive(t, h.broker.commits)
}

func TestProduceErrors(t *testing.T) {
	h := newHarness(t, nil)
	parts := h.broker.topic("topic", 7, 2)
	h.broker.set(func() { parts[1].broken = kerr.KafkaStorageError })
	c := h.dial()
	code := func(req *kmsg.ProduceRequest) error {
		p := c.ask(req).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
		if p.ErrorCode != 0 {
			require.EqualValues(t, -1, p.BaseOffset)
			require.NotEmpty(t, *p.ErrorMessage)
		}
		return kerr.ErrorForCode(p.ErrorCode)
	}
	require.NoError(t, code(produce(9, 1, "topic", 0, batch(1))))
	require.Equal(t, kerr.KafkaStorageError, code(produce(9, 1, "topic", 1, batch(1))))
	require.Equal(t, kerr.UnknownTopicOrPartition, code(produce(9, 1, "none", 0, batch(1))))
	require.Equal(t, kerr.InvalidRequiredAcks, code(produce(9, 2, "topic", 0, batch(1))))
	require.Equal(t, kerr.InvalidRecord, code(produce(9, 1, "topic", 0, nil)))
	require.Equal(t, kerr.CorruptMessage, code(produce(9, 1, "topic", 0, []byte("short"))))
	require.Equal(t, kerr.UnknownTopicID, code(produce(13, 1, "", 0, batch(1))))
	internal := h.broker.topic("__consumer_offsets", 8, 1)
	require.Equal(t, kerr.InvalidTopicException, code(produce(9, 1, "__consumer_offsets", 0, batch(1))))
	byID := produce(13, 1, "", 0, batch(1))
	byID.Topics[0].TopicID = [16]byte{8}
	require.Equal(t, kerr.InvalidTopicException, code(byID))
	require.Empty(t, internal[0].stored())
	transactional := produce(9, -1, "topic", 0, batch(1))
	transactional.TransactionID = kmsg.StringPtr("tx")
	require.Equal(t, kerr.InvalidTxnState, code(transactional))
	// Back-pressure that lasts longer than the request's patience.
	h.broker.set(func() { h.broker.full = make(chan struct{}) })
	impatient := produce(9, -1, "topic", 1, batch(1))
	impatient.TimeoutMillis = 1
	require.Equal(t, kerr.RequestTimedOut, code(impatient))
}

// The first batch of a request must be committed before the second one waits:
// the room that it waits for may come of nothing else.
func TestAppendCommitsBeforeItWaits(t *testing.T) {
	h := newHarness(t, nil)
	h.broker.topic("topic", 7, 2)
	h.broker.set(func() { h.broker.full, h.broker.commitFrees = make(chan struct{}), true })
	req := produce(9, -1, "topic", 0, batch(1))
	req.Topics = append(req.Topics, produce(9, -1, "topic", 1, batch(1)).Topics[0])
	for _, topic := range h.dial().ask(req).(*kmsg.ProduceResponse).Topics {
		require.Zero(t, topic.Partitions[0].ErrorCode)
	}
}

func TestAcksZero(t *testing.T) {
	h := newHarness(t, nil)
	parts := h.broker.topic("topic", 7, 1)
	c := h.dial()
	c.send(produce(9, 0, "topic", 0, batch(1)))
	c.ask(kmsg.NewPtrMetadataRequest()) // the first answer is this one's
	require.EqualValues(t, 1, parts[0].HighWatermark())
	c.send(produce(9, 0, "none", 0, batch(1)))
	c.closed()
	require.Contains(t, h.log.all()[0], "acks=0: partition 0: UNKNOWN_TOPIC")
}

// A connection whose answers stay due stops being read, and goes on after.
func TestQueuedAnswersHoldTheReaderBack(t *testing.T) {
	h := newHarness(t, func(c *Config) { c.Limits.AnswersQueued = 4 })
	h.broker.topic("topic", 7, 1)
	h.broker.set(func() { h.broker.held = true })
	c := h.dial()
	var frames []byte
	for i := range int32(10) {
		frames = append(frames, frameOf(produce(9, -1, "topic", 0, batch(1)), i)...)
	}
	_, err := c.conn.Write(frames)
	require.NoError(t, err)
	eventually(t, func() bool { return h.srv.Stats().AnswersFull == 1 }, "the reader to stop")
	require.Equal(t, 4, h.broker.appendedCount())
	h.broker.set(func() { h.broker.held = false })
	h.broker.reap()
	for i := range int32(10) {
		c.answer(produce(9, -1, "topic", 0, nil), i)
	}
}

func TestConnectionLimits(t *testing.T) {
	h := newHarness(t, func(c *Config) { c.Limits.ConnectionsPerAddress = 2 })
	a, b := h.dial(), h.dial()
	a.ask(kmsg.NewPtrMetadataRequest())
	b.ask(kmsg.NewPtrMetadataRequest())
	h.dial().closed()
	require.Contains(t, h.log.all()[0], "the limit for one address")
	a.conn.Close()
	eventually(t, func() bool { return h.srv.Stats().Open == 1 }, "the connection to go")
	h.dial().ask(kmsg.NewPtrMetadataRequest())
}

// The defaults hold a load generator of a thousand producers and as many
// consumers, three connections each, and leave room for others beside it.
func TestDefaultConnections(t *testing.T) {
	l := Limits{}.withDefaults()
	const clients, each = 2 * 1000, 3
	require.Greater(t, l.ConnectionsPerAddress, clients*each)
	require.Greater(t, l.Connections, l.ConnectionsPerAddress)
	require.LessOrEqual(t, l.Connections*homeBytes, 512<<20, "bytes of read buffers")
}

// Frames that outgrow the read buffer, several at once, next to small ones.
func TestLargeFrames(t *testing.T) {
	h := newHarness(t, nil)
	parts := h.broker.topic("topic", 7, 1)
	c := h.dial()
	for i, n := range []int{10, homeBytes - 200, homeBytes, homeBytes + 1, 1 << 20, 1<<20 + homeBytes, 3 << 20, 10} {
		records := batch(n)
		req := produce(9, -1, "topic", 0, records)
		req.Topics = append(req.Topics, produce(9, -1, "topic", 0, batch(5)).Topics[0])
		resp := c.ask(req).(*kmsg.ProduceResponse)
		require.Zero(t, resp.Topics[0].Partitions[0].ErrorCode)
		require.Equal(t, records[12:], parts[0].stored()[2*i].bytes[12:])
	}
}

// A large frame waits, unread, while others hold the budget of the server.
func TestLargeFramesShareABudget(t *testing.T) {
	h := newHarness(t, func(c *Config) {
		c.Limits.ProduceBytes, c.Limits.RequestBytes, c.Limits.BufferedBytes = 1<<20, 1<<20, 1<<20
	})
	h.broker.topic("topic", 7, 1)
	frame := frameOf(produce(9, -1, "topic", 0, batch(800<<10)), 1)
	a, b := h.dial(), h.dial()
	_, err := a.conn.Write(frame[:len(frame)-1])
	require.NoError(t, err)
	eventually(t, func() bool { return h.srv.Stats().BytesIn == int64(len(frame)-1) }, "the first frame but its end")
	sent := make(chan error, 1)
	go func() { // the kernel may not take all of it at once
		_, err := b.conn.Write(frame)
		sent <- err
	}()
	eventually(t, func() bool { return h.srv.Stats().BudgetFull == 1 }, "the second frame to wait")
	_, err = a.conn.Write(frame[len(frame)-1:])
	require.NoError(t, err)
	a.answer(produce(9, -1, "topic", 0, nil), 1)
	b.answer(produce(9, -1, "topic", 0, nil), 1)
	require.NoError(t, <-sent)
	eventually(t, func() bool { return h.srv.Stats().FrameBytes == 0 }, "the buffers to come back")
	require.EqualValues(t, 1<<20, h.srv.Stats().FrameIdle, "one buffer served both")
}

// Large frames back to back in one write: each has a buffer of its own, and
// nothing of a frame is lost at the seams.
func TestLargeFramesBackToBack(t *testing.T) {
	h := newHarness(t, nil)
	parts := h.broker.topic("topic", 7, 1)
	c := h.dial()
	sizes := []int{homeBytes, 3 * homeBytes, 10, 1 << 20, 100, 200 << 10}
	var frames []byte
	for i, n := range sizes {
		frames = append(frames, frameOf(produce(9, -1, "topic", 0, batch(n)), int32(i))...)
	}
	sent := make(chan error, 1)
	go func() {
		_, err := c.conn.Write(frames)
		sent <- err
	}()
	for i, n := range sizes {
		c.answer(produce(9, -1, "topic", 0, nil), int32(i))
		require.Equal(t, batch(n)[12:], parts[0].stored()[i].bytes[12:])
	}
	require.NoError(t, <-sent)
	eventually(t, func() bool { return h.srv.Stats().FrameBytes == 0 }, "the buffers to come back")
}

// A client that dies in the middle of a large frame leaves no buffer and no
// share of the budget behind.
func TestHalfALargeFrameIsGivenBack(t *testing.T) {
	h := newHarness(t, nil)
	h.broker.topic("topic", 7, 1)
	c := h.dial()
	_, err := c.conn.Write(frameOf(produce(9, -1, "topic", 0, batch(1<<20)), 1)[:200<<10])
	require.NoError(t, err)
	eventually(t, func() bool { return h.srv.Stats().FrameBytes == 2<<20 }, "the frame to begin")
	c.conn.Close()
	eventually(t, func() bool { return h.srv.Stats().FrameBytes == 0 && h.srv.Stats().Open == 0 }, "the connection to go")
	require.True(t, h.srv.budget.TryAcquire(h.srv.cfg.Limits.BufferedBytes), "all of the budget is there")
}

func TestCloseAnswersWhatWasAppended(t *testing.T) {
	h := newHarness(t, nil)
	h.broker.topic("topic", 7, 1)
	h.broker.set(func() { h.broker.held = true })
	c, idle := h.dial(), h.dial()
	idle.ask(kmsg.NewPtrMetadataRequest())
	c.send(produce(9, -1, "topic", 0, batch(1)))
	eventually(t, func() bool { return h.broker.appendedCount() == 1 }, "the append")
	closed := make(chan error)
	go func() { closed <- h.srv.Close(context.Background()) }()
	idle.closed()
	h.broker.reap()
	c.answer(produce(9, -1, "topic", 0, nil), 1)
	require.NoError(t, <-closed)
	require.Empty(t, h.log.all())
}

func TestCloseGivesUp(t *testing.T) {
	h := newHarness(t, nil)
	h.broker.topic("topic", 7, 1)
	h.broker.set(func() { h.broker.held = true })
	c := h.dial()
	c.send(produce(9, -1, "topic", 0, batch(1)))
	eventually(t, func() bool { return h.broker.appendedCount() == 1 }, "the append")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := h.srv.Close(ctx)
	require.True(t, errors.Is(err, context.Canceled), "%v", err)
	c.closed()
}

func TestJoinBlocksOnlyItsConnection(t *testing.T) {
	h := newHarness(t, nil)
	c := h.dial()
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group = "slow"
	want := c.send(req)
	h.dial().ask(kmsg.NewPtrMetadataRequest())
	close(h.broker.groups.joined)
	resp := c.answer(kmsg.NewPtrJoinGroupRequest(), want).(*kmsg.JoinGroupResponse)
	require.Equal(t, "tester/127.0.0.1", resp.MemberID)
}

func TestConfigReportsAllFaults(t *testing.T) {
	_, err := New(Config{Limits: Limits{Connections: -1, BufferedBytes: 1}})
	for _, want := range []string{"Partitions is required", "Commit is required", "Connections is -1", "BufferedBytes is 1"} {
		require.ErrorContains(t, err, want)
	}
}

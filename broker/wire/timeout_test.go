package wire

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// inBubble runs a server and one connection to it in virtual time.
func inBubble(t *testing.T, adjust func(*Config), fn func(t *testing.T, b *fakeBroker, log *logLines, c *client)) {
	synctest.Test(t, func(t *testing.T) {
		b, log := newFakeBroker(), &logLines{}
		cfg := b.config(log)
		if adjust != nil {
			adjust(&cfg)
		}
		srv, err := New(cfg)
		require.NoError(t, err)
		ours, theirs := net.Pipe()
		srv.accept(theirs)
		fn(t, b, log, &client{t: t, conn: ours})
		ours.Close()
		require.NoError(t, srv.Close(t.Context()))
	})
}

func TestSlowClientIsCutOff(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *fakeBroker, log *logLines, c *client) {
		b.topic("topic", 7, 1)[0].put(1 << 20)
		c.send(fetch(11, "topic", 0))
		time.Sleep(29 * time.Second)
		require.Empty(t, log.all())
		time.Sleep(2 * time.Second)
		require.Len(t, log.all(), 1)
		require.Contains(t, log.all()[0], "too slowly: 0 bytes in 30s")
	})
}

func TestSlowClientThatMakesProgressIsServed(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *fakeBroker, log *logLines, c *client) {
		b.topic("topic", 7, 1)[0].put(1 << 20)
		c.send(fetch(11, "topic", 0))
		got := 0
		for buf := make([]byte, 64<<10); got < 1<<20; {
			time.Sleep(9 * time.Second)
			n, err := c.conn.Read(buf)
			require.NoError(t, err)
			got += n
		}
		require.Empty(t, log.all())
	})
}

func TestIdleConnectionIsClosedSilently(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *fakeBroker, log *logLines, c *client) {
		c.ask(kmsg.NewPtrMetadataRequest())
		before := time.Now()
		c.closed()
		require.Equal(t, 10*time.Minute, time.Since(before))
		require.Empty(t, log.all())
	})
}

// Bytes that trickle do not keep a frame alive.
func TestFrameMustBeWholeInTime(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *fakeBroker, log *logLines, c *client) {
		frame := frameOf(kmsg.NewPtrMetadataRequest(), 1)
		before := time.Now()
		for _, b := range frame[:len(frame)-1] {
			if _, err := c.conn.Write([]byte{b}); err != nil {
				break
			}
			time.Sleep(7 * time.Second)
		}
		require.Equal(t, 63*time.Second, time.Since(before))
		require.Contains(t, log.all()[0], "9 bytes of a frame came, the rest not within 1m0s")
	})
}

// A fetch asks for a day, the server gives it a minute.
func TestLongPollIsCapped(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *fakeBroker, log *logLines, c *client) {
		b.topic("topic", 7, 1)
		req := fetch(11, "topic", 0)
		req.MaxWaitMillis = 86_400_000
		before := time.Now()
		c.ask(req)
		require.Equal(t, time.Minute, time.Since(before))
	})
}

// A client that neither reads nor stops sending is held back by the bytes of
// its answers, and does not make the server hold more.
func TestUnreadAnswersHoldTheReaderBack(t *testing.T) {
	inBubble(t, func(c *Config) { c.Limits.AnswerBytes = 1 }, func(t *testing.T, b *fakeBroker, log *logLines, c *client) {
		part := b.topic("topic", 7, 1)[0]
		part.put(1 << 20)
		go func() {
			for range 10 {
				if _, err := c.conn.Write(frameOf(fetch(11, "topic", 0), 1)); err != nil {
					return
				}
			}
		}()
		synctest.Wait()
		part.mu.Lock()
		require.LessOrEqual(t, part.reads, 2)
		part.mu.Unlock()
		for range 10 {
			c.frame()
		}
	})
}

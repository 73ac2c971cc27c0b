package wire

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidelog/tide/broker/objstore"
)

// A client that asks again and again for what cannot be read makes one line,
// which says what is missing and what to do about it.
func TestStorageErrorsAreLogged(t *testing.T) {
	h := newHarness(t, nil)
	parts := h.broker.topic("topic", 7, 2)
	parts[1].put(10)
	lost := fmt.Errorf("topic-1: %w: object 42: %w", kerr.KafkaStorageError, objstore.ErrNotFound)
	h.broker.set(func() { parts[1].unread = lost })
	c := h.dial()
	for range 3 {
		p := c.ask(fetch(11, "topic", 1)).(*kmsg.FetchResponse).Topics[0].Partitions[0]
		require.Equal(t, kerr.KafkaStorageError.Code, p.ErrorCode)
	}
	lines := h.log.all()
	require.Len(t, lines, 1)
	for _, want := range []string{"level=ERROR", "KAFKA_STORAGE_ERROR", "topic=topic", "partition=1", "offset=0", "object 42: object not found", "lifecycle rule"} {
		require.Contains(t, lines[0], want)
	}
	h.broker.set(func() { parts[0].broken = kerr.KafkaStorageError })
	c.ask(produce(9, 1, "topic", 0, batch(1)))
	require.Len(t, h.log.all(), 2, "another kind of trouble has a line of its own")
	require.Contains(t, h.log.all()[1], "partition=0")
}

func TestTroubleIsToldOnceASecond(t *testing.T) {
	var log troubles
	kind := kindOfTrouble{code: 56}
	now := time.Unix(100, 0)
	for i := range 1000 {
		suppressed, ok := log.admit(kind, now.Add(time.Duration(i)*time.Millisecond))
		require.Equal(t, i == 0, ok)
		require.Zero(t, suppressed)
	}
	suppressed, ok := log.admit(kind, now.Add(time.Second))
	require.True(t, ok)
	require.EqualValues(t, 999, suppressed)
	_, ok = log.admit(kindOfTrouble{code: -1}, now.Add(time.Second))
	require.True(t, ok)
}

func TestSentences(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{kerr.InvalidConfig, kerr.InvalidConfig.Description},
		{fmt.Errorf("partition 3: %w", kerr.InvalidRecord), "partition 3"},
		{fmt.Errorf("%w: magic 7", kerr.InvalidRecord), "magic 7"},
		{fmt.Errorf("t-0: %w", fmt.Errorf("%w: magic 7", kerr.InvalidRecord)), "t-0: magic 7"},
		{fmt.Errorf("t-0: %w: %w", kerr.KafkaStorageError, objstore.ErrNotFound), "t-0: object not found"},
		{objstore.ErrNotFound, "object not found"},
	} {
		require.Equal(t, tc.want, sentence(tc.err))
	}
}

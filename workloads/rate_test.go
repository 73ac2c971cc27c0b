package workloads

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSearches(t *testing.T) {
	open := strings.Replace(good, "producerRate: 5", "producerRate: 0", 1)
	for _, text := range []string{open, strings.Replace(good, "producerRate: 5\n", "", 1)} {
		w, err := Parse([]byte(text))
		require.NoError(t, err)
		require.True(t, w.Searches())
		at, err := w.WithRate(777)
		require.NoError(t, err)
		require.Equal(t, int64(777), at.ProducerRate)
		require.False(t, at.Searches())
		again, err := Parse(at.Source())
		require.NoError(t, err)
		require.Equal(t, int64(777), again.ProducerRate)
		require.Equal(t, text, string(w.Source()))
	}
	for _, add := range []string{"phases: [{at: 1s, do: kill9, for: 1s}]", "fillGB: 1", "consumerBacklogSizeGB: 1\nsubscriptionsPerTopic: 1\nconsumerPerSubscription: 1"} {
		_, err := Parse([]byte(open + add + "\n"))
		require.ErrorContains(t, err, "searches for the highest rate: that cannot be done with", add)
	}
	_, err := Parse([]byte(strings.Replace(open, "messageSize: 100", "messageSize: 10", 1)))
	require.ErrorContains(t, err, "messageSize is 10")
	w, err := Parse([]byte("{name: x, partitionsPerTopic: 1, producersPerTopic: 1, messageSize: 100, testDurationMinutes: 1, producerRate: 0}"))
	require.NoError(t, err)
	at, err := w.WithRate(5)
	require.NoError(t, err)
	require.Equal(t, int64(5), at.ProducerRate)
	_, err = w.WithRate(-5)
	require.ErrorContains(t, err, "producerRate is -5")
}

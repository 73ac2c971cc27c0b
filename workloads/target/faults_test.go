package target

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWithFaults(t *testing.T) {
	s, err := ParseSpec("tide?log-cache=64MiB")
	require.NoError(t, err)
	with, ok := s.WithFaults()
	require.True(t, ok)
	require.Equal(t, map[string]string{"log-cache": "64MiB", "fault-injection": "true"}, with.Flags)
	require.NotContains(t, s.Flags, "fault-injection", "the one that was given stays as it was")
	args, err := with.Args("d", walCapacity)
	require.NoError(t, err)
	require.Contains(t, args, "--fault-injection=true")
	for _, text := range []string{"127.0.0.1:9092", "null", "kafka", "kafka-tiered"} {
		s, err := ParseSpec(text)
		require.NoError(t, err)
		_, ok := s.WithFaults()
		require.False(t, ok, text)
	}
}

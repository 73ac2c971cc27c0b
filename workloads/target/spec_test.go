package target

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseSpec(t *testing.T) {
	s, err := ParseSpec("tide?wal=uring:/dev/x?capacity=1GiB%26depth=4&log-cache=64MiB")
	require.NoError(t, err)
	args, err := s.Args("/data", "512MiB")
	require.NoError(t, err)
	require.Equal(t, []string{"--data", "/data", "--wal", "uring:/dev/x?capacity=1GiB&depth=4", "--log-cache=64MiB"}, args)

	s, err = ParseSpec("10.0.0.1:9092")
	require.NoError(t, err)
	require.Equal(t, "10.0.0.1:9092", s.Address)

	for text, want := range map[string]string{
		"kaffka":           "want kafka, kafka-tiered, null, tide or HOST:PORT",
		"":                 "or HOST:PORT",
		"tide?data=/x":     "set by the benchmark",
		"tide?wal=":        "want one value",
		"tide?wal=a&wal=b": "want one value",
		"tide?wal=%zz":     "invalid URL escape",
	} {
		_, err := ParseSpec(text)
		require.ErrorContains(t, err, want, text)
	}
}

func TestDurability(t *testing.T) {
	for wal, want := range map[string]string{
		"pwrite:/x": "dsync", "uring:/x?durability=direct": "direct", "mem:": "none", "fsync:/x": "fdatasync",
	} {
		d, err := Durability(wal)
		require.NoError(t, err)
		require.Equal(t, want, d.Flush, wal)
	}
	_, err := Durability("pwrite:/x?durability=hope")
	require.ErrorContains(t, err, "hope")
}

func TestNotUploaded(t *testing.T) {
	streams := []Stream{{Topic: "b-0", Start: 1, CommittedEnd: 3, End: 10}, {Topic: "other", End: 5}}
	require.Equal(t, int64(7), notUploaded(streams, "b"))
	require.Equal(t, int64(2), Committed(streams, "b"))
}

func TestRemote(t *testing.T) {
	s, err := ParseSpec("127.0.0.1:9092")
	require.NoError(t, err)
	r, err := s.Start(t.Context(), StartConfig{})
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:9092", r.Kafka())
	require.Nil(t, r.Ended())
	require.ErrorContains(t, r.Kill(), "was not started here")
	require.ErrorContains(t, r.Restart(t.Context()), "was not started here")
	require.NoError(t, r.Stop())
	m, err := r.Metrics(t.Context())
	require.NoError(t, err)
	require.Nil(t, m)
	d, err := s.Durability(nil)
	require.NoError(t, err)
	require.Contains(t, d.Flush, "not known")
}

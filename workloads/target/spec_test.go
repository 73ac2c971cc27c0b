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
		"kafka":            "want tide",
		"":                 "want tide",
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

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

func TestFillWAL(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "pwrite:/d/wal?capacity=1GiB",
		"uring:":                        "uring:/d/wal?capacity=1GiB",
		"uring:?depth=2":                "uring:/d/wal?depth=2&capacity=1GiB",
		"pwrite:/x/y?capacity=8MiB":     "pwrite:/x/y?capacity=8MiB",
		"mem:":                          "mem:?capacity=1GiB",
		"pwrite:?window=1MiB,4MiB,8MiB": "pwrite:/d/wal?window=1MiB,4MiB,8MiB&capacity=1GiB",
	} {
		got, err := FillWAL(text, "/d", "1GiB")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := FillWAL("uring", "/d", "1GiB")
	require.ErrorContains(t, err, "want SCHEME:PATH")
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

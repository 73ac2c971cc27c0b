package iopath

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFillURL(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "pwrite:/d/wal?capacity=1GiB",
		"uring:":                        "uring:/d/wal?capacity=1GiB",
		"uring:?depth=2":                "uring:/d/wal?depth=2&capacity=1GiB",
		"pwrite:/x/y?capacity=8MiB":     "pwrite:/x/y?capacity=8MiB",
		"mem:":                          "mem:?capacity=1GiB",
		"null:":                         "null:?capacity=1GiB",
		"pwrite:?window=1MiB,4MiB,8MiB": "pwrite:/d/wal?window=1MiB,4MiB,8MiB&capacity=1GiB",
	} {
		got, err := FillURL(text, "/d", "1GiB")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	bare, err := FillURL("uring:", "/d", "")
	require.NoError(t, err)
	require.Equal(t, "uring:/d/wal", bare)
	_, err = FillURL("uring", "/d", "1GiB")
	require.ErrorContains(t, err, "want SCHEME:PATH")
}

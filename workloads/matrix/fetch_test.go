package matrix

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// memory is a bucket.
type memory map[string][]byte

func (m memory) List(_ context.Context, fn func(string, int64) error) error {
	for _, key := range slices.Sorted(func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}) {
		size := int64(len(m[key]))
		if key == "s2/trials/huge/x" {
			size = maxObject + 1
		}
		if err := fn(key, size); err != nil {
			return err
		}
	}
	return nil
}

func (m memory) Read(_ context.Context, key string, pos int64, p []byte) error {
	if key == "s1/env.json" {
		return errors.New("gone")
	}
	copy(p, m[key][pos:])
	return nil
}

func TestFetch(t *testing.T) {
	large := make([]byte, fetchPiece+17)
	large[fetchPiece+3] = 1
	m := memory{
		"matrix.json": []byte("{}"), "s1/env.json": []byte("x"), "s1/trials.jsonl": []byte("lines"), "s1/notes.txt": []byte("no"),
		"s1/trials/t/produce.hlog": large, "../../trials/x": []byte("evil"), "s2/trials/huge/x": []byte("x"),
	}
	dir := t.TempDir()
	warnings, err := Fetch(t.Context(), m, dir)
	require.NoError(t, err)
	require.Equal(t, []string{
		`"../../trials/x" is no name of a file and left out`,
		"s1/env.json cannot be read and is left out: gone",
		"s2/trials/huge/x has 268435457B and is left out: results have at most 256MiB",
	}, warnings)
	for _, key := range []string{"matrix.json", "s1/trials.jsonl", "s1/trials/t/produce.hlog"} {
		got, err := os.ReadFile(filepath.Join(dir, key))
		require.NoError(t, err)
		require.Equal(t, m[key], got)
	}
	require.NoFileExists(t, filepath.Join(dir, "s1", "notes.txt"))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Fetch(ctx, stuck{m}, dir)
	require.ErrorIs(t, err, context.Canceled)
}

// stuck never reads anything.
type stuck struct{ memory }

func (stuck) Read(ctx context.Context, _ string, _ int64, _ []byte) error {
	<-ctx.Done()
	return ctx.Err()
}
